// Where nodes go: {places: {id: {x, y}}, routes: {edge id: [bend, ...]}} from ids, sizes and edges.
// Never touches the graph on screen.
// Layered, left to right, reads best for calls; elk does it in a worker. Above ELK_LIMIT nodes the
// plain ranks below do: crude, but in milliseconds.

const ELK_LIMIT = 300;
const GAP = { x: 96, y: 24 };
const scripts = new Map();

export async function layered(nodes, edges, direction = "RIGHT") {
  if (nodes.length > ELK_LIMIT) return ranks(nodes, edges);
  try {
    return await elk(nodes, edges, direction);
  } catch (error) {
    console.warn("elk failed; using plain ranks", error);
    return ranks(nodes, edges);
  }
}

export async function prepareForce() {
  for (const name of ["layout-base", "cose-base", "cytoscape-fcose"]) await script(name);
  return window.cytoscapeFcose;
}

let engine = null;

async function elk(nodes, edges, direction) {
  await script("elk-api");
  engine ??= new window.ELK({ workerUrl: "/static/vendor/elk-worker.min.js" });
  const placed = await engine.layout({
    id: "root",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": direction,
      "elk.layered.spacing.nodeNodeBetweenLayers": String(GAP.x),
      "elk.layered.spacing.edgeNodeBetweenLayers": "24",
      "elk.edgeRouting": "POLYLINE",
      "elk.spacing.nodeNode": String(GAP.y),
      "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
      "elk.spacing.componentComponent": "48",
    },
    children: nodes.map(({ id, width, height }) => ({ id, width, height })),
    edges: edges
      .filter(({ source, target }) => source !== target)
      .map(({ id, source, target }) => ({ id, sources: [source], targets: [target] })),
  });
  const centre = ({ id, x, y, width, height }) => [id, { x: x + width / 2, y: y + height / 2 }];
  const bends = ({ id, sections }) => [id, sections?.[0]?.bendPoints ?? []];
  return {
    places: Object.fromEntries(placed.children.map(centre)),
    routes: Object.fromEntries(placed.edges.map(bends)),
  };
}

// Longest path from the callers, then two sweeps that sort each rank by its neighbours' mean.
export function ranks(nodes, edges) {
  const callees = new Map(nodes.map(({ id }) => [id, []]));
  const callers = new Map(nodes.map(({ id }) => [id, []]));
  for (const { source, target } of edges) {
    if (source === target) continue;
    callees.get(source).push(target);
    callers.get(target).push(source);
  }
  const rank = longestPaths(nodes, callees, callers);
  const columns = [];
  for (const node of nodes) (columns[rank.get(node.id)] ??= []).push(node.id);
  const place = new Map();
  const number = () => columns.forEach((column) => column.forEach((id, i) => place.set(id, i)));
  const mean = (ids, otherwise) =>
    ids.length ? ids.reduce((sum, id) => sum + place.get(id), 0) / ids.length : otherwise;
  number();
  for (const near of [callers, callees]) {
    for (const column of columns) {
      const wish = new Map(column.map((id) => [id, mean(near.get(id), place.get(id))]));
      column.sort((a, b) => wish.get(a) - wish.get(b));
    }
    number();
  }
  const height = 46 + GAP.y;
  const spot = (x, y, column) => ({ x: x * 300, y: (y - (column.length - 1) / 2) * height });
  const places = columns.flatMap((column, x) => column.map((id, y) => [id, spot(x, y, column)]));
  return { places: Object.fromEntries(places), routes: {} };
}

function longestPaths(nodes, callees, callers) {
  const rank = new Map(nodes.map(({ id }) => [id, 0]));
  const waiting = new Map(nodes.map(({ id }) => [id, callers.get(id).length]));
  const ready = nodes.filter(({ id }) => !waiting.get(id)).map(({ id }) => id);
  const left = new Set(nodes.map(({ id }) => id));
  while (left.size) {
    // A cycle has no first node: break it at the one with the fewest callers left.
    if (!ready.length) ready.push([...left].reduce((a, b) => (waiting.get(b) < waiting.get(a) ? b : a)));
    const id = ready.pop();
    if (!left.delete(id)) continue;
    for (const callee of callees.get(id)) {
      if (!left.has(callee)) continue;
      rank.set(callee, Math.max(rank.get(callee), rank.get(id) + 1));
      waiting.set(callee, waiting.get(callee) - 1);
      if (waiting.get(callee) === 0) ready.push(callee);
    }
  }
  return rank;
}

function script(name) {
  if (!scripts.has(name)) {
    scripts.set(name, new Promise((resolve, reject) => {
      const tag = document.createElement("script");
      tag.src = `/static/vendor/${name}.js`;
      tag.addEventListener("load", resolve);
      tag.addEventListener("error", () => reject(new Error(`cannot load ${name}`)));
      document.head.append(tag);
    }));
  }
  return scripts.get(name);
}
