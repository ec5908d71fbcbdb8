// Draws what /dashboard-data… says, once a second. One page for every service.
"use strict";

const PERIOD_MS = 1000;
const HEIGHT = 150;
const COLOURS = [
  "#3b82f6", "#d97706", "#059669", "#a855f7", "#dc2626", "#0891b2", "#db2777", "#65a30d", "#78716c",
];
const WHO_ARE_YOU = "This fleet asks who you are: paste an access token (POST /auth/login) or an API key.";
const byId = (id) => document.getElementById(id);
const charts = new Map();
let heard = 0;

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function showHead(view) {
  document.title = `${view.title} · Fleetserve`;
  byId("title").textContent = view.title;
  byId("subtitle").textContent = view.subtitle;
  const state = byId("state");
  state.textContent = view.state;
  state.className = `state ${view.state}`;
  state.hidden = false;
  byId("note").textContent = view.note;
  byId("note").hidden = !view.note;
  byId("links").replaceChildren(...view.links.map((link) => {
    const anchor = element("a", link.label);
    anchor.href = link.path;
    if (link.path === location.pathname + location.search) anchor.setAttribute("aria-current", "page");
    return anchor;
  }));
}

function showTiles(tiles) {
  byId("tiles").replaceChildren(...tiles.map((tile) => {
    const node = element("div", undefined, "tile");
    node.append(element("b", tile.value), element("span", tile.label));
    return node;
  }));
}

function shown(value) {
  if (value == null) return "–";
  return String(Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100);
}

function makeLegend(chart) {
  const node = element("div", undefined, "legend");
  const values = chart.lines.map((line, i) => {
    const entry = element("span", undefined, "entry");
    const mark = element("i");
    mark.style.background = COLOURS[i % COLOURS.length];
    const value = element("b");
    entry.append(mark, line.label, value);
    node.append(entry);
    return value;
  });
  return { node, values };
}

// The newest values, or those under the pointer.
function showValues(known, pointed) {
  const { chart, values, time } = known;
  chart.lines.forEach((line, i) => {
    const last = line.values.findLastIndex((value) => value != null);
    values[i].textContent = shown(line.values[pointed ?? last]);
  });
  const at = pointed == null ? null : new Date(chart.times[pointed] * 1000);
  time.textContent = at ? at.toLocaleTimeString() : "";
}

function makeChart(known, width) {
  const { chart, box } = known;
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line") }, ticks: { show: false } };
  const options = {
    width, height: HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    hooks: { setCursor: [(plot) => showValues(known, plot.cursor.left < 0 ? null : plot.cursor.idx)] },
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.1] } },
    axes: [{ ...axis, space: 80, size: 30, values: "{HH}:{mm}:{ss}" }, { ...axis, size: 52 }],
    series: [{}, ...chart.lines.map((line, i) => ({
      label: line.label, stroke: COLOURS[i % COLOURS.length], width: 1.5, spanGaps: true,
    }))],
  };
  return new uPlot(options, [chart.times, ...chart.lines.map((line) => line.values)], box);
}

// A chart that came later, with a new replica's line, keeps its place.
function placeCharts(boxes) {
  const parent = byId("charts");
  if (boxes.some((box, i) => parent.children[i] !== box)) parent.prepend(...boxes);
}

function showCharts(list) {
  const wanted = new Set();
  for (const chart of list.filter((each) => each.lines.length)) {
    const key = chart.title + "|" + chart.lines.map((line) => line.label).join();
    wanted.add(key);
    let known = charts.get(key);
    if (!known) {
      const box = element("div", undefined, "chart");
      const title = element("h2", chart.unit ? `${chart.title} (${chart.unit})` : chart.title);
      const time = element("span", "", "time");
      const { node, values } = makeLegend(chart);
      title.append(time);
      box.append(title);
      byId("charts").append(box);
      known = { chart, box, time, values };
      known.plot = makeChart(known, box.clientWidth - 28);
      box.append(node);
      charts.set(key, known);
    }
    known.chart = chart;
    const pointed = known.plot.cursor.left < 0 ? null : known.plot.cursor.idx;
    showValues(known, pointed);
    known.plot.setData([chart.times, ...chart.lines.map((line) => line.values)]);
    const width = known.box.clientWidth - 28;
    if (Math.abs(known.plot.width - width) > 1) known.plot.setSize({ width, height: HEIGHT });
  }
  placeCharts([...wanted].map((key) => charts.get(key).box));
  for (const [key, known] of charts) {
    if (!wanted.has(key)) {
      known.plot.destroy();
      known.box.remove();
      charts.delete(key);
    }
  }
}

function cell(value) {
  const node = element("td");
  if (value !== null && typeof value === "object" && "progress" in value) {
    const bar = element("progress");
    bar.max = 1;
    bar.value = value.progress;
    node.append(bar, ` ${Math.round(value.progress * 100)} %`);
  } else {
    node.textContent = value === null ? "–" : String(value);
  }
  return node;
}

function showTables(tables) {
  byId("tables").replaceChildren(...tables.map((table) => {
    const box = element("div", undefined, "table");
    box.append(element("h2", table.title));
    if (table.rows.length === 0) {
      box.append(element("p", table.empty, "empty"));
      return box;
    }
    const node = element("table");
    const head = element("tr");
    head.append(...table.columns.map((name) => element("th", name)));
    node.append(head, ...table.rows.map((row) => {
      const line = element("tr");
      line.append(...row.map(cell));
      return line;
    }));
    box.append(node);
    return box;
  }));
}

function headers() {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function askForToken(detail) {
  byId("sign-in").hidden = false;
  byId("note").textContent = sessionStorage.getItem("token") ? detail : WHO_ARE_YOU;
  byId("note").hidden = false;
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byId("token").value.trim());
  byId("sign-in").hidden = true;
  draw();
});

async function draw() {
  try {
    const path = location.pathname.replace(/\/$/, "").replace("/dashboard", "/dashboard-data");
    const answer = await fetch(path + location.search, { cache: "no-store", headers: headers() });
    const view = await answer.json();
    if (answer.status === 401 || answer.status === 403) {
      askForToken(view.detail);
      return;
    }
    byId("sign-in").hidden = true;
    if (!answer.ok) throw new Error(view.detail || `status ${answer.status}`);
    showHead(view);
    showTiles(view.tiles);
    showCharts(view.charts);
    showTables(view.tables);
    heard = Date.now();
  } catch (error) {
    const silent = heard ? ` for ${Math.round((Date.now() - heard) / 1000)} s` : "";
    byId("note").textContent = `No answer${silent}: ${error.message}`;
    byId("note").hidden = false;
  }
}

async function run() {
  for (;;) {
    // Asked for a token, the page waits for it instead of being refused each second.
    if (!document.hidden && byId("sign-in").hidden) await draw();
    await new Promise((wake) => setTimeout(wake, PERIOD_MS));
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const known of charts.values()) {
    known.plot.destroy();
    known.box.remove();
  }
  charts.clear();
  draw();
});
run();
