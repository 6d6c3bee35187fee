// What every page does: keys, theme, badge, sortable tables, fresh numbers, local times.

import "./keys.js";
import "./theme.js";
import "./badge.js";
import { keepFresh } from "./refresh.js";
import { makeSortable } from "./table.js";

document.querySelectorAll("table[data-sortable]").forEach(makeSortable);
keepFresh();

// A new range keeps what else the URL says (label, selection, sort).
function withRange(from, to) {
  const params = new URLSearchParams(location.search);
  params.set("from", from);
  params.set("to", to);
  return `?${params}`;
}

for (const link of document.querySelectorAll("a[data-range]")) {
  link.addEventListener("click", (event) => {
    const wanted = new URLSearchParams(link.search);
    event.preventDefault();
    location.search = withRange(wanted.get("from"), wanted.get("to"));
  });
}
document.getElementById("range-form")?.addEventListener("submit", (event) => {
  const form = new FormData(event.target);
  event.preventDefault();
  location.search = withRange(form.get("from"), form.get("to"));
});
