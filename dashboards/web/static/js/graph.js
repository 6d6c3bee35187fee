// The graph on screen: takes graphs of the API, changes only what differs, keeps every position.

import cytoscape from "../vendor/cytoscape.esm.min.js";
import { health, percent, milliseconds, rate } from "./format.js";
import { FONT, styles } from "./graphstyle.js";
import { layered, prepareForce } from "./layout.js";
import { drawLocks } from "./locks.js";

const HEIGHT = 44;
const LONG = 220; // an edge past a whole column: follow the way around the nodes between
const NARROW = 560; // below this width the layers run downwards
const BIG = 150; // above this many nodes: no labels on edges, cheaper drawing
const measure = document.createElement("canvas").getContext("2d");
measure.font = `13px ${FONT}`;

const LABELS = {
  rps: (edge) => `${rate(edge.rps)}/s`,
  errors: (edge) => percent(edge.error_ratio),
  p95: (edge) => milliseconds(edge.p95_ms),
  none: () => "",
};

export class GraphView {
  constructor(container, { label, layout, onSelect }) {
    this.label = label;
    this.layoutName = layout;
    this.routes = {};
    this.container = container;
    this.cy = cytoscape({
      container,
      style: styles(),
      minZoom: 0.02,
      maxZoom: 2.5,
      boxSelectionEnabled: false,
      selectionType: "single",
      pixelRatio: Math.min(window.devicePixelRatio || 1, 2),
    });
    const overlay = document.createElement("canvas");
    overlay.className = "overlay";
    overlay.style.width = overlay.style.height = "100%";
    container.append(overlay);
    drawLocks(this.cy, overlay);
    this.cy.on("tap", (event) => onSelect(event.target === this.cy ? null : event.target.id()));
    this.cy.on("drag", "node", (event) => {
      const moved = event.target.connectedEdges();
      moved.forEach((edge) => delete this.routes[edge.id()]);
      this.#bend(moved);
    });
    document.addEventListener("themechange", () => this.cy.style(styles()));
    // The stage changes its size when the panel opens; keep the centre where it was.
    new ResizeObserver(() => this.#resized()).observe(container);
    this.width = container.clientWidth;
  }

  // Show a graph: numbers change in place; only a new node moves things.
  async show(graph) {
    this.graph = graph;
    const fresh = this.#apply(graph);
    if (fresh.length === 0) return;
    if (fresh.length === graph.nodes.length || fresh.length > 3) await this.arrange();
    else this.#placeNear(fresh);
  }

  setLabel(label) {
    this.label = label;
    if (this.graph) this.#apply(this.graph);
  }

  async setLayout(name) {
    this.layoutName = name;
    await this.arrange();
  }

  fit() {
    this.cy.fit(undefined, 36);
    if (this.cy.zoom() > 1.15) {
      this.cy.zoom(1.15);
      this.cy.center();
    }
  }

  select(id) {
    this.cy.$(":selected").unselect();
    const found = id ? this.cy.getElementById(id) : this.cy.collection();
    found.select();
    this.cy.elements().removeClass("faded");
    if (found.nonempty() && this.cy.nodes().length > 2) {
      const near = found.isNode() ? found.closedNeighborhood() : found.union(found.connectedNodes());
      this.cy.elements().difference(near).addClass("faded");
    }
    return found.nonempty();
  }

  // Move the graph left, no more than needed, when what was selected lies under the panel.
  uncover(panelWidth) {
    const selected = this.cy.$(":selected");
    if (selected.empty() || panelWidth >= this.container.clientWidth * 0.7) return;
    const hidden = selected.renderedBoundingBox().x2 + 24 - (this.container.clientWidth - panelWidth);
    if (hidden > 0) this.cy.panBy({ x: -hidden, y: 0 });
  }

  // Fade all but the nodes whose name holds the text.
  find(text) {
    this.cy.elements().removeClass("faded");
    if (!text) return;
    const wanted = text.toLowerCase();
    const matched = this.cy.nodes().filter((node) => node.id().toLowerCase().includes(wanted));
    this.cy.elements().difference(matched.union(matched.edgesWith(matched))).addClass("faded");
  }

  async arrange() {
    const first = !this.arranged;
    if (first) this.container.classList.add("quiet-until-laid-out");
    if (this.layoutName === "force") await this.#force();
    else await this.#layered();
    this.arranged = true;
    this.#bend(this.cy.edges());
    this.fit();
    this.container.classList.remove("quiet-until-laid-out");
  }

  #apply(graph) {
    const fresh = [];
    const big = graph.nodes.length > BIG;
    this.cy.batch(() => {
      const wanted = new Map([
        ...graph.nodes.map((node) => [node.id, { group: "nodes", data: nodeData(node) }]),
        ...graph.edges.map((edge) => [edge.id, { group: "edges", data: this.#edgeData(edge, big) }]),
      ]);
      this.cy.elements().filter((element) => !wanted.has(element.id())).remove();
      for (const [id, { group, data }] of wanted) {
        const shown = this.cy.getElementById(id);
        if (shown.empty()) {
          this.cy.add({ group, data });
          if (group === "nodes") fresh.push(id);
        } else if (Object.keys(data).some((key) => shown.data(key) !== data[key])) shown.data(data);
      }
      if (!fresh.length && this.arranged) this.#bend(this.cy.edges("[!bends]"));
    });
    return fresh;
  }

  #edgeData(edge, big) {
    const words = big ? "" : LABELS[this.label](edge);
    const lock = edge.mtls_ratio === null ? "" : edge.mtls_ratio < 1 ? "open" : "closed";
    return {
      id: edge.id,
      source: edge.source,
      target: edge.destination,
      health: health(edge.error_ratio),
      label: words,
      lock: big ? "" : lock,
      plain: big,
      width: Math.round((1.2 + 1.5 * Math.log10(1 + edge.rps)) * 4) / 4,
    };
  }

  async #layered() {
    const nodes = this.cy.nodes().map((node) => ({ id: node.id(), width: node.data("width"), height: HEIGHT }));
    const edges = this.cy.edges().map((edge) => ({
      id: edge.id(), source: edge.data("source"), target: edge.data("target"),
    }));
    this.isNarrow = this.container.clientWidth < NARROW;
    const { places, routes } = await layered(nodes, edges, this.isNarrow ? "DOWN" : "RIGHT");
    this.routes = routes;
    this.cy.batch(() => {
      for (const [id, place] of Object.entries(places)) this.cy.getElementById(id).position(place);
    });
  }

  async #force() {
    const fcose = await prepareForce();
    if (!this.hasForce) cytoscape.use(fcose);
    this.hasForce = true;
    const run = this.cy.layout({
      name: "fcose", animate: false, quality: "default", nodeSeparation: 110, idealEdgeLength: 170,
      nodeDimensionsIncludeLabels: false, randomize: true,
    });
    const done = run.promiseOn("layoutstop");
    run.run();
    await done;
  }

  #placeNear(ids) {
    for (const id of ids) {
      const node = this.cy.getElementById(id);
      const known = node.neighborhood("node").filter((other) => !ids.includes(other.id()));
      const anchor = known.nonempty() ? known.boundingBox() : this.cy.nodes().boundingBox();
      const spot = { x: anchor.x2 + 170, y: (anchor.y1 + anchor.y2) / 2 };
      while (this.cy.nodes().some((other) => other !== node && overlaps(other.position(), spot))) spot.y += 70;
      node.position(spot);
      this.#bend(node.connectedEdges());
    }
    this.fit();
  }

  // Left-to-right edges leave at the right and arrive at the left, as an S; others curve around.
  #bend(edges) {
    this.cy.batch(() => edges.forEach((edge) => {
      const from = edge.source();
      const to = edge.target();
      const x1 = from.position("x") + from.data("width") / 2;
      const x2 = to.position("x") - to.data("width") / 2;
      const dx = x2 - x1;
      const dy = to.position("y") - from.position("y");
      const forward = this.layoutName === "layered" && !this.isNarrow && !edge.data("plain") && dx > 30;
      edge.toggleClass("s-curve", forward);
      if (!forward) return edge.data({ bends: [0], weights: [0.5] });
      const start = { x: x1, y: from.position("y") };
      const routed = dx > LONG && this.routes[edge.id()]?.length;
      const points = routed
        ? [{ x: x1 + 24, y: start.y }, ...this.routes[edge.id()], { x: x2 - 24, y: to.position("y") }]
        : [{ x: x1 + dx / 2, y: start.y }, { x: x1 + dx / 2, y: start.y + dy }];
      return edge.data(relativeTo(start, dx, dy, points));
    }));
  }

  #resized() {
    const by = this.container.clientWidth - this.width;
    this.width = this.container.clientWidth;
    this.cy.resize();
    if (this.arranged && by !== 0) this.fit();
  }
}

function nodeData(node) {
  const name = node.id.length > 24 ? `${node.id.slice(0, 22)}…` : node.id;
  const numbers = node.requests === 0
    ? (node.kind === "external" ? "callers outside the mesh" : "no requests arriving")
    : `${rate(node.rps)}/s · ${percent(node.error_ratio)} errors`;
  const label = `${name}\n${numbers}`;
  const widest = Math.max(measure.measureText(name).width, measure.measureText(numbers).width);
  // Widths come in steps, so that a changing digit does not change the card.
  const width = Math.max(120, Math.ceil((widest + 46) / 20) * 20);
  return { id: node.id, label, kind: node.kind, health: health(node.error_ratio), width };
}

// Cytoscape wants control points as a part of the way along the straight line and a distance off it.
function relativeTo(start, dx, dy, points) {
  const length = Math.hypot(dx, dy);
  const along = ({ x, y }) => ((x - start.x) * dx + (y - start.y) * dy) / (length * length);
  const off = ({ x, y }) => ((y - start.y) * dx - (x - start.x) * dy) / length;
  return { weights: points.map(along), bends: points.map(off) };
}

function overlaps(a, b) {
  return Math.abs(a.x - b.x) < 150 && Math.abs(a.y - b.y) < 60;
}
