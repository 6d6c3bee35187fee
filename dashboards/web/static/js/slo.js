// The page of one SLO: budget burn-down and events as charts, and the same as a table.

import uPlot from "../vendor/uPlot.esm.js";
import { linkTo } from "./address.js";
import { el } from "./dom.js";
import { count, percent } from "./format.js";
import { colour } from "./theme.js";

const HEIGHT = 210;
const ROWS = 500;
const name = document.querySelector("[data-slo]").dataset.slo;
const charts = [];
let series = null;
let parts = 1;

// Slices that count with their ratio are counted in parts of one.
const whole = (counts) => (parts === 1 ? counts : counts.map((value) => value / parts));
const told = (value) => (parts === 1 || value >= 100 ? count(value) : (Math.round(value * 100) / 100).toString());

async function load() {
  const answer = await fetch(linkTo(`/api/slos/${encodeURIComponent(name)}`));
  if (!answer.ok) return;
  const found = await answer.json();
  parts = found.parts_per_event;
  series = { ...found.series, good: whole(found.series.good), total: whole(found.series.total) };
  draw();
  fillTable();
}

function draw() {
  for (const chart of charts.splice(0)) chart.destroy();
  const bad = series.total.map((total, index) => Math.max(0, total - series.good[index]));
  charts.push(
    chart("burndown", [series.bucket_s, series.budget_remaining], budgetScale(), [
      { label: "Budget left", stroke: colour("accent"), width: 1.6, fill: tint("accent", 0.14),
        value: (_, value) => percent(value), points: { show: series.bucket_s.length < 3 } },
    ], (values) => values.map((value) => `${Math.round(value * 100)} %`)),
    chart("events", [series.bucket_s, series.total, bad], fromZero(), [
      { label: "Good", fill: tint("ok", 0.45), paths: bars(), points: { show: false },
        value: (_, value, __, index) => (index === null ? "–" : told(series.good[index])) },
      { label: "Bad (right scale)", scale: "bad", fill: colour("bad"), paths: bars(0.35), points: { show: false },
        value: (_, value) => (value === null ? "–" : told(value)) },
    ], (values) => values.map((value) => told(value))),
  );
}

function chart(id, data, scale, lines, format) {
  const place = document.getElementById(id);
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  return new uPlot({
    width: place.clientWidth,
    height: HEIGHT,
    cursor: { sync: { key: "slo" }, y: false },
    scales: { y: scale, bad: fromZero() },
    axes: [{ ...axis, space: 80, size: 34, values: (_, splits, __, ___, increment) => times(splits, increment) }, { ...axis, size: 62, values: (_, values) => format(values) },
      ...(lines[1] ? [{ ...axis, scale: "bad", side: 1, stroke: colour("bad"), grid: { show: false }, size: 50,
        values: (_, values) => format(values) }] : [])],
    series: [{ label: "From", value: (_, at) => (at ? new Date(at * 1000).toLocaleString() : "–") }, ...lines],
  }, data, place);
}

// From zero, with room above: bars that touch the top look cut.
function fromZero() {
  return { range: (_, __, max) => [0, Math.max(max * 1.08, 4)] };
}

// The budget from 0 to 100 %, or down to where it is overspent.
function budgetScale() {
  return { range: (_, min) => [Math.min(0, min ?? 0) * 1.05, 1] };
}

function bars(share = 0.85) {
  return uPlot.paths.bars({ size: [share, 40], align: 1 });
}

function tint(tone, alpha) {
  return colour(tone).replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}

// Hours within a day, dates beyond; always 24 hours.
function times(splits, increment) {
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const style = increment < 60 ? { ...clock, second: "2-digit" } : increment < 86400 ? clock
    : { month: "short", day: "numeric" };
  return splits.map((split) => new Date(split * 1000).toLocaleString(undefined, style));
}

function fillTable() {
  const body = document.querySelector("#series tbody");
  const last = series.bucket_s.length - 1;
  const rows = [];
  for (let i = last; i >= 0 && rows.length < ROWS; i -= 1) {
    if (!series.total[i]) continue;
    const moment = new Date(series.bucket_s[i] * 1000);
    rows.push(el("tr", {},
      el("th", { scope: "row" }, el("time", { datetime: moment.toISOString() }, moment.toLocaleString())),
      ...[told(series.good[i]), told(Math.max(0, series.total[i] - series.good[i])), told(series.total[i]),
        percent(series.budget_remaining[i])].map((words) => el("td", { class: "num" }, words))));
  }
  body.replaceChildren(...rows);
}

document.addEventListener("refreshed", load);
document.addEventListener("themechange", () => series && draw());
new ResizeObserver(() => {
  for (const drawn of charts) drawn.setSize({ width: drawn.root.parentNode.clientWidth, height: HEIGHT });
}).observe(document.getElementById("main"));
load();
