// Padlocks on the edges: closed when every request was mutual TLS, open when some was not.
// Drawn on a canvas above the graph, beside each edge's label, after each render.

import { EDGE_FONT_PX, FONT, LOCK_SHIFT } from "./graphstyle.js";
import { colour } from "./theme.js";

const MIN_ZOOM = 0.55;

export function drawLocks(cy, canvas) {
  const context = canvas.getContext("2d");
  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
      canvas.width = width * ratio;
      canvas.height = height * ratio;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const zoom = cy.zoom();
    if (zoom < MIN_ZOOM) return;
    context.font = `${EDGE_FONT_PX * zoom}px ${FONT}`;
    const surface = colour("surface");
    const tones = { closed: colour("muted"), open: colour("warn") };
    cy.edges("[?lock]").forEach((edge) => {
      if (edge.hasClass("faded")) return;
      const { x, y } = edge.renderedMidpoint();
      if (!(x > -50 && y > -50 && x < width + 50 && y < height + 50)) return;
      const half = context.measureText(edge.data("label")).width / 2;
      const left = half ? x + (LOCK_SHIFT - 8) * zoom - half : x;
      context.fillStyle = surface;
      context.fillRect(left - 7 * zoom, y - 8.5 * zoom, 15 * zoom, 17 * zoom);
      const lock = edge.data("lock");
      padlock(context, left, y, 5.2 * zoom, tones[lock], lock === "open");
    });
  };
  cy.on("render", draw);
}

// A body of 2r x 1.5r with a shackle over it; the open one hangs to the right.
function padlock(context, x, y, r, tone, isOpen) {
  context.fillStyle = tone;
  context.strokeStyle = tone;
  context.lineWidth = r * 0.34;
  const left = x - r * 0.85;
  context.beginPath();
  context.roundRect(left, y - r * 0.25, r * 1.7, r * 1.25, r * 0.2);
  context.fill();
  const shift = isOpen ? r * 0.95 : 0;
  context.beginPath();
  context.moveTo(x - r * 0.48 + shift, y - r * 0.2);
  context.lineTo(x - r * 0.48 + shift, y - r * 0.5);
  context.arc(x + shift, y - r * 0.5, r * 0.48, Math.PI, 0);
  context.lineTo(x + r * 0.48 + shift, y - (isOpen ? r * 0.45 : r * 0.2));
  context.stroke();
}
