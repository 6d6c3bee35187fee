// The live stream of graphs. Says graph, alive, stale or refused; reconnects by itself; sleeps when hidden.

const STALE_MS = 7000; // three silent ticks

export function follow(window_, { onGraph, onAlive, onStale, onRefused }) {
  let source = null;
  let watchdog = 0;

  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(onStale, STALE_MS);
    onAlive();
  };
  const open = () => {
    if (source) return;
    source = new EventSource(`/api/topology/stream?window=${encodeURIComponent(window_)}`);
    source.addEventListener("graph", (event) => {
      alive();
      onGraph(JSON.parse(event.data));
    });
    source.addEventListener("tick", alive);
    source.addEventListener("error", () => source?.readyState === EventSource.CLOSED && onRefused());
    watchdog = setTimeout(onStale, STALE_MS);
  };
  const close = () => {
    clearTimeout(watchdog);
    source?.close();
    source = null;
  };
  return { open, close };
}
