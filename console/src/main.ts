/** The console's page: polls the region, draws it, and shows what was picked. */

import "./style.css";
import * as api from "./api.ts";
import { FOOT } from "./camera.ts";
import { h, setText, sync } from "./dom.ts";
import { clock, count, counted, rate } from "./format.ts";
import { Graph } from "./graph.ts";
import { logo, sign } from "./icons.ts";
import { INBOX, inboxView } from "./inbox_view.ts";
import { nodeView } from "./node_view.ts";
import { Panel, type View } from "./panel.ts";
import { Picture } from "./picture.ts";
import { resource } from "./resource.ts";
import { traceId, traceView } from "./trace_view.ts";
import { welcome } from "./welcome.ts";

const POLL_MILLIS = 1000;
/** Polls between two readings of the inbox, which changes rarely. */
const INBOX_EVERY = 5;

const graph = new Graph();
const picture = new Picture((id) => openNode(id));
const panel = new Panel(panelChanged);

const regionName = h("span", { class: "chip", title: "Region" }, "–");
const regionTime = h("time", { class: "region-time", title: "The region's time, UTC" });
const stateText = h("span", {}, "connecting");
const state = h("span", { class: "state", role: "status" }, h("span", { class: "dot" }), stateText);
const totals = h("p", { class: "totals" });
const mailCount = h("span", { class: "count", hidden: true });
const inboxButton = h("button", { type: "button", class: "tool", "aria-label": "Inbox" }, sign("inbox"), h("span", {}, "Inbox"), mailCount);
const traceInput = h("input", {
  type: "search",
  placeholder: "Trace id, 1-…",
  "aria-label": "Show a trace by its id",
  spellcheck: "false",
  autocomplete: "off",
});
const traceForm = h("form", { class: "trace-form", role: "search" }, sign("trace"), traceInput);
const supporting = h("button", { type: "button", class: "tool", "aria-pressed": "false", title: "IAM, STS, log groups, and calls that only set things up" });
const empty = welcome();
const toolbar = controls();
const workspace = h("main", { class: "workspace" }, picture.element, empty, toolbar, panel.element);

let withSupporting = false;
let polls = 0;

document.querySelector("#app")?.append(
  h(
    "header",
    { class: "bar-top" },
    logo(),
    h("h1", {}, "Brume"),
    regionName,
    state,
    totals,
    h("span", { class: "spring" }),
    regionTime,
    traceForm,
    inboxButton,
  ),
  workspace,
);
listen();
void poll();

async function poll(): Promise<void> {
  const began = performance.now();
  if (!document.hidden || polls === 0) await read();
  setTimeout(() => void poll(), Math.max(200, POLL_MILLIS - (performance.now() - began)));
}

async function read(): Promise<void> {
  try {
    const answer = await api.architecture();
    connected(true);
    if (answer) {
      graph.update(answer, performance.now());
      setText(regionName, answer.region || "–");
      regionTime.dateTime = answer.now;
      setText(regionTime, answer.now ? `${clock(answer.now, false)} UTC` : "");
    }
    draw();
    if (polls % 2 === 0) void panel.refresh();
    if (polls % INBOX_EVERY === 0 && panel.view?.key !== INBOX) void countMail();
    polls++;
  } catch {
    connected(false);
  }
}

function draw(): void {
  const { nodes, links, hidden } = graph.visible(withSupporting);
  const resources = nodes.filter((node) => node.kind !== "client").length;
  empty.hidden = resources > 0;
  // Before drawing: what is hidden has no size to fit into.
  picture.element.hidden = resources === 0;
  toolbar.hidden = resources === 0 && hidden === 0;
  picture.draw(nodes, links, { width: workspace.clientWidth, height: workspace.clientHeight - FOOT });
  supporting.hidden = hidden === 0 && !withSupporting;
  setText(supporting, withSupporting ? "Hide supporting" : hidden ? `Show supporting (${count(hidden)})` : "Show supporting");

  const edges = graph.links.flatMap((link) => link.edges);
  const callsPerSecond = edges.reduce((sum, edge) => sum + edge.callsPerSecond, 0);
  const errors = edges.reduce((sum, edge) => sum + edge.errors, 0);
  const figures = [counted(resources, "resource"), `${rate(callsPerSecond).replace("/", " calls/")}`, counted(errors, "error")];
  if (totals.childElementCount !== figures.length) sync(totals, figures.map(() => h("span")));
  figures.forEach((figure, index) => setText(totals.children[index] as Element, figure));
  totals.lastElementChild?.classList.toggle("failed", edges.some((edge) => edge.errorsPerSecond > 0));
}

function connected(isLive: boolean): void {
  state.classList.toggle("live", isLive);
  setText(stateText, isLive ? "live" : "reconnecting");
}

async function countMail(): Promise<void> {
  const mails = await api.mails().catch(() => null);
  if (mails) showMailCount(mails.length);
}

function showMailCount(mails: number): void {
  mailCount.hidden = mails === 0;
  setText(mailCount, count(mails));
  inboxButton.setAttribute("aria-label", mails ? `Inbox, ${counted(mails, "mail")}` : "Inbox");
}

function openNode(end: string): void {
  const { id, kind } = resource(end);
  const node = graph.nodes.get(id);
  if (kind === "email") panel.open(inboxView(showMailCount));
  else if (node) panel.open(nodeView(node, graph, pushTrace));
}

function pushTrace(id: string): void {
  panel.push(traceView(id, pushNode));
}

function pushNode(end: string): void {
  const node = graph.nodes.get(resource(end).id);
  if (node) panel.push(nodeView(node, graph, pushTrace));
}

function panelChanged(view: View | undefined, closed?: View): void {
  workspace.classList.toggle("with-panel", view !== undefined);
  workspace.classList.toggle("with-wide-panel", view?.isWide ?? false);
  inboxButton.setAttribute("aria-pressed", String(view?.key === INBOX));
  picture.select(view?.node ?? "");
  // The picture makes room, unless somebody looks at a part of it.
  if (!picture.camera.isHeld) picture.camera.fitAround(picture.middle(view?.node ?? ""));
  if (closed) picture.focus(closed.node);
}

function controls(): HTMLElement {
  const button = (name: "plus" | "minus" | "fit", label: string, act: () => void): HTMLElement => {
    const element = h("button", { type: "button", class: "sign", "aria-label": label, title: label }, sign(name));
    element.addEventListener("click", act);
    return element;
  };
  return h(
    "div",
    { class: "controls", role: "toolbar", "aria-label": "Picture" },
    button("minus", "Zoom out", () => picture.camera.zoom(1 / 1.25)),
    button("plus", "Zoom in", () => picture.camera.zoom(1.25)),
    button("fit", "Fit to screen", () => picture.camera.fitAround(undefined)),
    supporting,
  );
}

function listen(): void {
  supporting.addEventListener("click", () => {
    withSupporting = !withSupporting;
    supporting.setAttribute("aria-pressed", String(withSupporting));
    draw();
  });
  inboxButton.addEventListener("click", () => {
    if (panel.view?.key === INBOX) panel.close();
    else panel.open(inboxView(showMailCount));
  });
  traceForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = traceId(traceInput.value);
    traceInput.setCustomValidity(id ? "" : "A trace id looks like 1-5759e988-bd862e3fe1be46a994272793");
    if (id) panel.open(traceView(id, pushNode));
    else traceInput.reportValidity();
  });
  traceInput.addEventListener("input", () => traceInput.setCustomValidity(""));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") panel.close();
    if (event.key === "/" && !(event.target as Element).closest("input")) {
      event.preventDefault();
      traceInput.focus();
    }
  });
  let settling = 0;
  new ResizeObserver(() => {
    clearTimeout(settling);
    settling = window.setTimeout(() => {
      if (polls === 0) return;
      draw();
      if (!picture.camera.isHeld) picture.camera.fit();
    }, 100);
  }).observe(workspace);
}
