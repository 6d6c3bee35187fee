// Sorting of any table[data-sortable]: by the data-value of cells, kept in the URL as ?sort=-rps.

import { param, setParam } from "./address.js";

export function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  for (const head of heads) {
    if (!head.dataset.key || head.querySelector("button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const { key } = head.dataset;
      const descends = head.getAttribute("aria-sort") === "ascending"
        || (!head.hasAttribute("aria-sort") && head.classList.contains("num"));
      setParam("sort", descends ? `-${key}` : key);
      sortTable(table);
    });
  }
  sortTable(table);
}

export function sortTable(table) {
  const wanted = param("sort", table.dataset.sort);
  const key = wanted.replace(/^-/, "");
  const sign = wanted.startsWith("-") ? -1 : 1;
  const heads = [...table.tHead.rows[0].cells];
  const column = heads.findIndex((head) => head.dataset.key === key);
  heads.forEach((head, index) => {
    if (index === column) head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  if (column < 0) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const sorted = [...rows].sort((a, b) => sign * compare(value(a, column), value(b, column)));
  if (sorted.some((row, index) => row !== rows[index])) body.append(...sorted);
}

function value(row, column) {
  const text = row.cells[column].dataset.value ?? row.cells[column].textContent;
  const number = Number(text);
  return text !== "" && !Number.isNaN(number) ? number : text;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b));
}
