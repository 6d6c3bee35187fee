// The page of a canary: latencies of both versions laid over each other, and the same as a table.

import uPlot from "../vendor/uPlot.esm.js";
import { el } from "./dom.js";
import { count, milliseconds, percent } from "./format.js";
import { colour } from "./theme.js";

const HEIGHT = 240;
const STEP = 2 ** (1 / 8); // neighbouring bounds of buckets
const region = document.getElementById("canary-region");
let chart = null;
let found = null;

// The server wrote the counts into the page, so that chart and words are of one answer.
function load() {
  found = JSON.parse(region.dataset.distribution);
  draw();
  fillTable();
}

function draw() {
  chart?.destroy();
  chart = null;
  const place = document.getElementById("distribution");
  const { bound_ms: bounds } = found;
  if (!bounds.length) {
    place.textContent = "No latency is known of a request that did not fail.";
    return;
  }
  place.textContent = "";
  const tops = bounds.map((bound, index) => bound ?? bounds[index - 1] * STEP);
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  chart = new uPlot({
    width: place.clientWidth,
    height: HEIGHT,
    cursor: { y: false },
    scales: { x: { time: false, distr: 3, log: 2 }, y: { range: (_, __, max) => [0, Math.max(max * 1.08, 0.01)] } },
    axes: [{ ...axis, size: 34, space: 60, values: (_, splits) => splits.map((at) => (at === null ? "" : milliseconds(at))) },
      { ...axis, size: 62, values: (_, values) => values.map((value) => `${+(value * 100).toFixed(1)} %`) }],
    series: [{ label: "Up to", value: (_, at) => (at ? milliseconds(at) : "–") },
      line("canary", "accent", 0.16), line("baseline", "idle", 0.12)],
  }, [[tops[0] / STEP, ...tops, tops.at(-1) * STEP], ...["canary", "baseline"].map((role) => framed(shares(role)))], place);
}

function line(role, tone, alpha) {
  const value = (_, share) => percent(share);
  return { label: `${region.dataset[role]} (${role})`, stroke: colour(tone), fill: tint(tone, alpha), width: 1.8,
    dash: role === "baseline" ? [5, 3] : undefined, paths: uPlot.paths.stepped({ align: -1 }), points: { show: false }, value };
}

// A step is drawn up to its bound; the first and the last point say where the steps begin and end.
function framed(values) {
  return [0, ...values, 0];
}

function shares(role) {
  const counts = found[role];
  const total = counts.reduce((sum, one) => sum + one, 0);
  return counts.map((one) => (total ? one / total : 0));
}

function tint(tone, alpha) {
  return colour(tone).replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}

function fillTable() {
  const { bound_ms: bounds, canary, baseline } = found;
  const [first, second] = [shares("canary"), shares("baseline")];
  const rows = bounds.map((bound, index) => el("tr", {},
    el("th", { scope: "row" }, bound === null ? "more" : milliseconds(bound)),
    ...[count(canary[index]), percent(first[index]), count(baseline[index]), percent(second[index])]
      .map((words) => el("td", { class: "num" }, words))));
  document.querySelector("#buckets tbody").replaceChildren(...rows);
}

document.addEventListener("refreshed", load);
document.addEventListener("themechange", () => found && draw());
new ResizeObserver(() => {
  chart?.setSize({ width: chart.root.parentNode.clientWidth, height: HEIGHT });
}).observe(document.getElementById("main"));
load();
