// How the graph looks: the cytoscape style sheet, from the page's own colours.

import { HEALTH_SHAPES } from "./dom.js";
import { colour } from "./theme.js";

const SHAPES = { ok: "round-rectangle", warn: "cut-rectangle", bad: "octagon", idle: "round-rectangle" };

export const FONT = 'system-ui, "Noto Sans", "DejaVu Sans", sans-serif';
export const EDGE_FONT_PX = 11.5;
export const LOCK_SHIFT = 8; // the label moves right by this, to leave room for its padlock

export function styles() {
  const surface = colour("surface");
  const text = colour("text");
  return [
    {
      selector: "node",
      style: {
        width: "data(width)",
        height: 44,
        shape: "round-rectangle",
        "corner-radius": 8,
        "background-color": surface,
        "border-width": 1.5,
        "border-color": colour("line"),
        label: "data(label)",
        color: text,
        "font-family": FONT,
        "font-size": 13,
        "line-height": 1.25,
        "text-wrap": "wrap",
        "text-halign": "center",
        "text-valign": "center",
        "text-justification": "left",
        "text-margin-x": 9,
        "min-zoomed-font-size": 6,
        "background-image-containment": "over",
        "background-clip": "none",
        "background-width": 16,
        "background-height": 16,
        "background-position-x": 10,
        "background-position-y": "50%",
        "overlay-opacity": 0,
      },
    },
    ...["ok", "warn", "bad", "idle"].map((word) => healthStyle(word, surface)),
    { selector: "node[health = 'idle']", style: { "border-style": "dashed", color: colour("muted") } },
    { selector: "node[kind != 'service']", style: { "border-style": "dotted", "background-color": colour("bg") } },
    {
      selector: "edge",
      style: {
        width: "data(width)",
        "line-color": colour("edge"),
        "target-arrow-color": colour("edge"),
        "target-arrow-shape": "triangle",
        "arrow-scale": 0.9,
        "curve-style": "bezier",
        label: "data(label)",
        color: colour("muted"),
        "font-family": FONT,
        "font-size": EDGE_FONT_PX,
        "text-background-color": surface,
        "text-background-opacity": 0.92,
        "text-background-padding": 2.5,
        "text-background-shape": "roundrectangle",
        "min-zoomed-font-size": 7,
        "overlay-opacity": 0,
      },
    },
    { selector: "edge[lock != '']", style: { "text-margin-x": LOCK_SHIFT } },
    {
      selector: "edge.s-curve",
      style: {
        "curve-style": "unbundled-bezier",
        "control-point-distances": "data(bends)",
        "control-point-weights": "data(weights)",
        "edge-distances": "endpoints",
        "source-endpoint": "90deg",
        "target-endpoint": "270deg",
      },
    },
    { selector: "edge[?plain]", style: { "curve-style": "haystack", opacity: 0.6 } },
    { selector: "edge[health = 'idle']", style: { "line-style": "dotted" } },
    {
      selector: "edge[health = 'warn']",
      style: { "line-color": colour("warn"), "target-arrow-color": colour("warn"), color: colour("warn") },
    },
    {
      selector: "edge[health = 'bad']",
      style: {
        "line-color": colour("bad"),
        "target-arrow-color": colour("bad"),
        "line-style": "dashed",
        "line-dash-pattern": [9, 4],
        color: colour("bad"),
      },
    },
    { selector: ".faded", style: { opacity: 0.3 } },
    { selector: "node:selected", style: { "border-width": 2.5, "border-color": colour("accent") } },
    {
      selector: "edge:selected",
      style: { "line-color": colour("accent"), "target-arrow-color": colour("accent"), "z-index": 9 },
    },
  ];
}

function healthStyle(word, surface) {
  const tone = colour(word);
  const { body, mark } = HEALTH_SHAPES[word];
  const fill = word === "idle" ? `fill="none" stroke="${tone}" stroke-width="1.6"` : `fill="${tone}"`;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32" viewBox="0 0 16 16">` +
    `<path d="${body}" ${fill}/><path d="${mark}" fill="none" stroke="${surface}" stroke-width="1.8"/></svg>`;
  return {
    selector: `node[health = '${word}']`,
    style: {
      shape: SHAPES[word],
      "border-color": word === "ok" ? colour("edge") : tone,
      "background-image": `data:image/svg+xml,${encodeURIComponent(svg)}`,
    },
  };
}
