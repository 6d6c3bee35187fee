// Pages that the server renders stay fresh by fetching themselves and patching what differs.
// Rows are matched by data-row, so that focus, selection and scroll stay where they are.

import { canLive, isPaused, say } from "./badge.js";
import { followLogin } from "./session.js";
import { makeSortable } from "./table.js";

const EVERY_MS = 5000;
let failures = 0;

export function keepFresh() {
  const regions = [...document.querySelectorAll("[data-live-region]")];
  if (!regions.length || !canLive) return;
  setInterval(() => refresh(regions), EVERY_MS);
}

// At once, also while paused: the reader has just changed something.
export function refreshNow() {
  return fetchAndPatch([...document.querySelectorAll("[data-live-region]")]);
}

async function refresh(regions) {
  if (!isPaused() && !document.hidden) await fetchAndPatch(regions);
}

async function fetchAndPatch(regions) {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    followLogin(answer);
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of regions) {
      const other = fresh.getElementById(region.id);
      if (other) patch(region, other);
    }
    failures = 0;
    say("live");
    document.dispatchEvent(new CustomEvent("refreshed"));
  } catch {
    failures += 1;
    if (failures >= 2) say("stale", "stale: no answer");
  }
}

export function patch(region, fresh) {
  for (const { name, value } of fresh.attributes) region.setAttribute(name, value);
  const table = region.querySelector("table[data-sortable]");
  const other = fresh.querySelector("table[data-sortable]");
  if (!table || !other) {
    if (region.innerHTML !== fresh.innerHTML) region.replaceChildren(...fresh.childNodes);
    region.querySelectorAll("table[data-sortable]").forEach(makeSortable);
    return;
  }
  patchRows(table.tBodies[0], other.tBodies[0]);
  makeSortable(table);
}

function patchRows(body, fresh) {
  const old = new Map([...body.rows].map((row) => [row.dataset.row, row]));
  for (const row of [...fresh.rows]) {
    const kept = old.get(row.dataset.row);
    old.delete(row.dataset.row);
    if (!kept) {
      body.append(row);
      continue;
    }
    for (const { name, value } of row.attributes) kept.setAttribute(name, value);
    [...row.cells].forEach((cell, index) => {
      if (kept.cells[index].outerHTML !== cell.outerHTML) kept.cells[index].replaceWith(cell);
    });
  }
  for (const gone of old.values()) gone.remove();
}
