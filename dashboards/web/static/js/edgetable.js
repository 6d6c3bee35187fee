// The tables that hold the same as the graph: rows by edge, chips by service. Rows are kept.

import { el, healthIcon, setText } from "./dom.js";
import { count, health, HEALTH_WORDS, milliseconds, MISSING, percent, rate } from "./format.js";
import { makeSortable, sortTable } from "./table.js";

const LIMIT = 400; // more rows than anybody reads; the busiest are shown

// key, what to sort by, what to say
const COLUMNS = [
  ["source", (edge) => edge.source, (edge) => edge.source],
  ["destination", (edge) => edge.destination, (edge) => edge.destination],
  ["rps", (edge) => edge.rps, (edge) => rate(edge.rps)],
  ["requests", (edge) => edge.requests, (edge) => count(edge.requests)],
  ["error_ratio", (edge) => edge.error_ratio ?? -1, (edge) => percent(edge.error_ratio)],
  ["errors", (edge) => edge.errors, (edge) => count(edge.errors)],
  ["p50", (edge) => edge.p50_ms ?? -1, (edge) => milliseconds(edge.p50_ms)],
  ["p95", (edge) => edge.p95_ms ?? -1, (edge) => milliseconds(edge.p95_ms)],
  ["p99", (edge) => edge.p99_ms ?? -1, (edge) => milliseconds(edge.p99_ms)],
  ["retries", (edge) => edge.retries, (edge) => count(edge.retries)],
  ["mtls", (edge) => edge.mtls_ratio ?? -1, (edge) => percent(edge.mtls_ratio)],
  ["codes", (edge) => Object.keys(edge.codes).join(" "), codes],
];

export class EdgeTable {
  constructor(table, more, onSelect) {
    this.table = table;
    this.more = more;
    this.onSelect = onSelect;
    this.rows = new Map();
    makeSortable(table);
  }

  show(edges) {
    const shown = [...edges].sort((a, b) => b.rps - a.rps).slice(0, LIMIT);
    const wanted = new Set(shown.map((edge) => edge.id));
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    for (const edge of shown) this.#fill(this.rows.get(edge.id) ?? this.#add(edge), edge);
    sortTable(this.table);
    this.more.hidden = shown.length === edges.length;
    setText(this.more, `The ${LIMIT} busiest of ${edges.length} calls. All are in /api/topology.`);
  }

  select(id) {
    for (const [key, row] of this.rows) row.setAttribute("aria-selected", String(key === id));
  }

  #add(edge) {
    const row = el("tr", {
      "data-row": edge.id, "data-source": edge.source, "data-destination": edge.destination,
    });
    for (const [key] of COLUMNS) {
      const isNumber = !["source", "destination", "codes"].includes(key);
      row.append(el("td", { class: isNumber ? "num" : "", "data-cell": key }));
    }
    const title = `Details of calls from ${edge.source} to ${edge.destination}`;
    row.cells[0].append(
      el("button", { type: "button", class: "link", title, onclick: () => this.onSelect(edge.id) }),
    );
    this.rows.set(edge.id, row);
    this.table.tBodies[0].append(row);
    return row;
  }

  #fill(row, edge) {
    const word = health(edge.error_ratio);
    row.dataset.health = word;
    COLUMNS.forEach(([key, value, words], index) => {
      const cell = row.cells[index];
      cell.dataset.value = value(edge);
      setText(key === "source" ? cell.firstChild : cell, words(edge));
      if (key === "error_ratio") cell.className = `num ${word}`;
      if (key === "mtls") cell.className = `num ${edge.mtls_ratio !== null && edge.mtls_ratio < 1 ? "warn" : ""}`;
    });
  }
}

export class NodeChips {
  constructor(list, onSelect) {
    this.list = list;
    this.onSelect = onSelect;
  }

  show(nodes) {
    const old = new Map([...this.list.children].map((item) => [item.dataset.service, item]));
    nodes.forEach((node) => {
      const word = health(node.error_ratio);
      const item = old.get(node.id) ?? this.#add(node.id);
      old.delete(node.id);
      const button = item.firstChild;
      if (item.dataset.health !== word) {
        item.dataset.health = word;
        button.querySelector(".health")?.remove();
        button.prepend(healthIcon(word, HEALTH_WORDS[word]));
      }
      item.dataset.requests = node.requests;
      setText(button.querySelector(".hint"), node.requests ? `${rate(node.rps)}/s` : MISSING);
    });
    for (const gone of old.values()) gone.remove();
  }

  select(id) {
    for (const item of this.list.children) {
      item.firstChild.setAttribute("aria-pressed", String(item.dataset.service === id));
    }
  }

  #add(id) {
    const button = el(
      "button", { type: "button", "aria-pressed": "false", onclick: () => this.onSelect(id) },
      el("span", {}, id), el("span", { class: "hint" }),
    );
    const item = el("li", { "data-service": id }, button);
    this.list.append(item);
    return item;
  }
}

function codes(edge) {
  return Object.entries(edge.codes).map(([code, n]) => `${code === "0" ? "no response" : code} × ${count(n)}`).join(", ");
}
