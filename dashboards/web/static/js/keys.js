// Keyboard: one table of keys. Nothing happens while somebody types.

import { togglePause } from "./badge.js";
import { toggleTheme } from "./theme.js";

const help = document.getElementById("help");
const picker = document.getElementById("picker");
let wentG = 0;

const KEYS = {
  d: toggleTheme,
  p: togglePause,
  r: () => picker && (picker.open = !picker.open),
  "?": () => help.showModal(),
  "/": () => document.querySelector("input[type=search]")?.focus(),
};

function place(key) {
  return document.querySelector(`[data-go="${CSS.escape(key)}"]`);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.key === "Escape") {
    if (picker?.open) picker.open = false;
    else document.dispatchEvent(new CustomEvent("escape"));
    return;
  }
  if (event.target.closest("input, select, textarea")) return;
  const afterG = event.timeStamp - wentG < 1200;
  wentG = event.key === "g" ? event.timeStamp : 0;
  if (afterG && place(event.key)) place(event.key).click();
  else if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

document.getElementById("help-open").addEventListener("click", () => help.showModal());
document.addEventListener("click", (event) => {
  if (picker?.open && !picker.contains(event.target)) picker.open = false;
});
