// The topology page: stream in, graph and tables out, choices kept in the URL.

import { linkTo, param, setParam } from "./address.js";
import { canLive, isPaused, say } from "./badge.js";
import { setText } from "./dom.js";
import { EdgeTable, NodeChips } from "./edgetable.js";
import { count, duration, percent, rate } from "./format.js";
import { GraphView } from "./graph.js";
import { fillPanel } from "./panel.js";
import { askForPage } from "./session.js";
import { follow } from "./stream.js";

const at = (id) => document.getElementById(id);
const panel = at("panel");
const labels = [...document.querySelectorAll("input[name=label]")];
const from = param("from", "now-15m");

let graph = null;
let selected = param("selected");

const label = labels.find((input) => input.value === param("label", "rps")) ?? labels[0];
label.checked = true;
at("layout").value = param("layout") === "force" ? "force" : "layered";

const view = new GraphView(at("graph"), { label: label.value, layout: at("layout").value, onSelect: select });
const table = new EdgeTable(at("edges"), at("edges-more"), select);
const chips = new NodeChips(at("nodes"), select);
window.meshscope = { graph: view.cy };

function show(fresh) {
  graph = fresh;
  table.show(graph.edges);
  chips.show(graph.nodes);
  summarise();
  const drawn = view.show(graph);
  if (selected) drawn.then(() => select(selected, { keep: true }));
  document.body.dataset.shown = String(Number(document.body.dataset.shown ?? 0) + 1);
}

function select(id, { keep = false } = {}) {
  selected = id;
  const found = graph && view.select(id);
  if (found) fillPanel(panel, graph, id, { onSelect: select, onClose: () => select(null) });
  panel.hidden = !found;
  if (found && !keep) view.uncover(panel.offsetWidth);
  table.select(id);
  chips.select(id);
  if (!keep) setParam("selected", id);
}

function summarise() {
  const silent = graph.nodes.length === 0;
  at("empty").hidden = !silent;
  if (silent && graph.last_bucket_s !== null) {
    const age = Date.now() / 1000 - graph.last_bucket_s;
    setText(at("empty-title"), "No traffic in this range");
    setText(at("empty-text"), `The newest data is ${duration(Math.max(age, 0))} old. Choose a longer range to see it.`);
    at("empty-how").hidden = true;
  }
  const requests = graph.edges.reduce((sum, edge) => sum + edge.requests, 0);
  const errors = graph.edges.reduce((sum, edge) => sum + edge.errors, 0);
  const words = silent ? "" : `${graph.nodes.filter(node => node.kind === "service").length} services, ${rate(graph.rps_total)} requests/s, ` +
    `${percent(requests ? errors / requests : null)} errors (${count(errors)} of ${count(requests)})`;
  setText(at("summary"), words);
}

async function showOnce() {
  const answer = await fetch(linkTo("/api/topology"));
  if (answer.ok) show(await answer.json());
  else {
    say("stale", "stale: no answer");
    askForPage();
  }
}

const stream = follow(from.replace(/^now-/, ""), {
  onGraph: show,
  onAlive: () => say("live"),
  onStale: () => say("stale", "stale: no answer"),
  onRefused: askForPage,
});

if (canLive && /^now-\d+[smhdw]$/.test(from)) {
  stream.open();
  const settle = () => (isPaused() || document.hidden ? stream.close() : stream.open());
  document.addEventListener("pausechange", settle);
  document.addEventListener("visibilitychange", settle);
} else showOnce();

for (const input of labels) {
  input.addEventListener("change", () => {
    setParam("label", input.value === "rps" ? null : input.value);
    view.setLabel(input.value);
  });
}
at("layout").addEventListener("change", (event) => {
  setParam("layout", event.target.value === "force" ? "force" : null);
  view.setLayout(event.target.value);
});
at("fit").addEventListener("click", () => view.fit());
at("find").addEventListener("input", (event) => view.find(event.target.value.trim()));
at("find").addEventListener("keydown", (event) => {
  const match = graph?.nodes.find((node) => node.id.toLowerCase().includes(event.target.value.trim().toLowerCase()));
  if (event.key === "Enter" && match) select(match.id);
});
document.addEventListener("escape", () => select(null));
