// The live / paused / stale badge: the one place that says whether the page may be believed.

const badge = document.getElementById("live");
const text = document.getElementById("live-text");

export const canLive = document.body.dataset.live === "true";
let paused = !canLive;

export function isPaused() {
  return paused;
}

export function say(state, words = state) {
  if (!badge) return;
  badge.dataset.state = state;
  if (text.textContent !== words) text.textContent = words;
}

export function togglePause() {
  if (!badge) return;
  if (!canLive) {
    // A fixed range cannot be live: go back to the default range, which is.
    location.search = "";
    return;
  }
  paused = !paused;
  say(paused ? "paused" : "live");
  document.dispatchEvent(new CustomEvent("pausechange", { detail: { paused } }));
}

badge?.addEventListener("click", togglePause);
