// The side panel: everything about one service or one edge, and where to go from there.

import { linkTo } from "./address.js";
import { el, healthIcon } from "./dom.js";
import { count, health, HEALTH_WORDS, milliseconds, percent, rate } from "./format.js";

const FLAGS = {
  "-": "no flag", UH: "no healthy upstream", UF: "upstream connection failed", UO: "circuit breaker open",
  NR: "no route", URX: "retries exhausted", UT: "upstream timeout", UC: "upstream closed the connection",
  UR: "upstream reset", LR: "local reset", LH: "failed health check", DC: "client went away",
  DI: "delay injected", FI: "fault injected", RL: "rate limited", UAEX: "denied by authorization",
  SI: "stream idle timeout", DPE: "protocol error of the client", UPE: "protocol error of the upstream",
  UMSDR: "stream too long", NC: "no such cluster", DT: "request took too long", OM: "overloaded",
};

export function fillPanel(panel, graph, id, { onSelect, onClose }) {
  const node = graph.nodes.find((one) => one.id === id);
  const edge = graph.edges.find((one) => one.id === id);
  if (!node && !edge) return false;
  const focused = panel.contains(document.activeElement) && document.activeElement.dataset.focus;
  panel.replaceChildren(
    heading(node ?? edge, node ? node.id : `${edge.source} → ${edge.destination}`, onClose),
    ...(node ? nodeParts(graph, node, onSelect) : edgeParts(edge, onSelect)),
    links(node ? node.id : edge.destination),
  );
  if (focused) panel.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  return true;
}

function heading(subject, title, onClose) {
  const word = health(subject.error_ratio);
  return el(
    "header", {},
    el("h2", { id: "panel-title", tabindex: "-1" }, healthIcon(word, HEALTH_WORDS[word]), title),
    el("button", { type: "button", class: "quiet", title: "Close (Esc)", "data-focus": "close", onclick: onClose },
      el("span", { "aria-hidden": "true" }, "✕"), el("span", { class: "sr" }, "Close details")),
  );
}

function nodeParts(graph, node, onSelect) {
  const into = graph.edges.filter((edge) => edge.destination === node.id);
  const out = graph.edges.filter((edge) => edge.source === node.id);
  return [
    node.kind === "external" ? el("p", { class: "hint" }, "Callers without an identity in the mesh.") : null,
    node.kind === "unknown" ? el("p", { class: "hint" }, "Requests that no route claimed.") : null,
    node.versions.length ? el("p", { class: "hint" }, `Versions: ${node.versions.join(", ")}`) : null,
    figures(node),
    ...neighbours("Called by", into, "source", onSelect),
    ...neighbours("Calls", out, "destination", onSelect),
    ...tally("Answers", merge(into, "codes"), codeName),
    ...tally("Envoy flags", merge(into, "flags"), flagName),
  ].filter(Boolean);
}

function edgeParts(edge, onSelect) {
  return [
    figures(edge),
    el("p", { class: "hint" }, mtlsWords(edge.mtls_ratio)),
    el("p", { class: "hint" }, evidenceWords(edge)),
    ...tally("Answers", edge.codes, codeName),
    ...tally("Envoy flags", edge.flags, flagName),
    ...tally("Routes", edge.routes, (name) => name || "no route name"),
    ...tally("Versions", edge.versions, (name) => name || "unnamed"),
    el("h3", {}, "Ends"),
    el("ul", {}, ...[["From", edge.source], ["To", edge.destination]].map(([word, id]) =>
      el("li", {}, el("span", { class: "hint" }, word), pick(id, id, onSelect)))),
  ];
}

function figures(subject) {
  const pairs = [
    ["Requests/s", rate(subject.rps)], ["Requests", count(subject.requests)],
    ["Errors", `${percent(subject.error_ratio)}`],
    ["p50", milliseconds(subject.p50_ms)], ["p95", milliseconds(subject.p95_ms)], ["p99", milliseconds(subject.p99_ms)],
    ...("retries" in subject ? [["Retries", count(subject.retries)], ["Failed", count(subject.errors)]] : [["Failed", count(subject.errors)]]),
    ...("mtls_ratio" in subject ? [["mTLS", percent(subject.mtls_ratio)]] : []),
  ];
  return el("dl", { class: "pairs" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function neighbours(title, edges, end, onSelect) {
  if (!edges.length) return [];
  const busiest = [...edges].sort((a, b) => b.rps - a.rps);
  return [
    el("h3", {}, title),
    el("ul", {}, ...busiest.map((edge) => el("li", {}, pick(edge[end], edge.id, onSelect),
      el("span", { class: health(edge.error_ratio) === "ok" ? "hint" : health(edge.error_ratio) },
        `${rate(edge.rps)}/s · ${percent(edge.error_ratio)}`)))),
  ];
}

function tally(title, counts, name) {
  const rows = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  const total = rows.reduce((sum, [, n]) => sum + n, 0);
  if (!rows.length || (rows.length === 1 && rows[0][0] === "-")) return [];
  return [
    el("h3", {}, title),
    el("ul", {}, ...rows.map(([key, n]) => el("li", {}, el("span", { class: "name" }, name(key)),
      el("span", { class: "hint" }, `${count(n)} · ${percent(n / total)}`)))),
  ];
}

function pick(words, id, onSelect) {
  return el("button", { type: "button", class: "link name", "data-focus": id, onclick: () => onSelect(id) }, words);
}

function links(service) {
  return el("p", { class: "links" },
    el("a", { href: linkTo("/services"), "data-focus": "services" }, "Services"),
    el("a", { href: linkTo("/slos", { service }), "data-focus": "slos" }, "SLOs"));
}

function merge(edges, name) {
  const sums = {};
  for (const edge of edges) for (const [key, n] of Object.entries(edge[name])) sums[key] = (sums[key] ?? 0) + n;
  return sums;
}

function codeName(code) {
  return code === "0" ? "no response" : code;
}

function flagName(flags) {
  return flags.split(",").map((flag) => (FLAGS[flag] ? (flag === "-" ? FLAGS[flag] : `${flag}: ${FLAGS[flag]}`) : flag)).join("; ");
}

function mtlsWords(ratio) {
  if (ratio === null) return "No request reached a peer, so nothing is known about mutual TLS.";
  if (ratio === 1) return "Every request travelled by mutual TLS: encrypted, both sides identified.";
  return `${percent(1 - ratio)} of the requests travelled without mutual TLS.`;
}

function evidenceWords({ attempts, actual_error_ratio: failed, evidence }) {
  const side = { source: "the caller's side only", destination: "the callee's side only" };
  const who = evidence.reporters.length > 1 ? "both sides" : side[evidence.reporters[0]];
  const spans = evidence.is_estimated ? "an estimate from spans"
    : `spans of ${percent(evidence.span_coverage)} of the requests`;
  if (!evidence.counted_by.length) {
    return `Not counted: the caller's side reports nothing of ${count(evidence.arrived)} requests that ` +
      `arrived (${evidence.signals.join(", ")}). Its proxy is silent, or they were mirrored.`;
  }
  return [
    `Reported by ${who} (${evidence.signals.join(", ")})`, evidence.spans ? spans : "no spans",
    ...(failed === null ? [] : [`${percent(failed)} of ${count(attempts)} attempts failed`]),
    ...(evidence.not_arrived ? [`${count(evidence.not_arrived)} never arrived`] : []),
  ].join("; ") + ".";
}
