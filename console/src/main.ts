/** The console's page: polls the region, draws it or lists it, and shows what was picked. */

import "./style.css";
import * as address from "./address.ts";
import * as api from "./api.ts";
import { FOOT, NARROW } from "./camera.ts";
import { h, setText, sync } from "./dom.ts";
import { clock, count, counted, rate } from "./format.ts";
import { Graph } from "./graph.ts";
import { logo, sign } from "./icons.ts";
import { INBOX, inboxView } from "./inbox_view.ts";
import { kindNamed } from "./kinds.ts";
import { listView, type ListView } from "./list_view.ts";
import { Nav } from "./nav.ts";
import { nodeView } from "./node_view.ts";
import { Panel, type View } from "./panel.ts";
import { Picture } from "./picture.ts";
import { Search } from "./search.ts";
import { themeButton } from "./theme.ts";
import { traceId, traceView } from "./trace_view.ts";
import { welcome } from "./welcome.ts";

const POLL_MILLIS = 1000;
/** Polls between two readings of the inbox and of the counts, which change rarely. */
const INBOX_EVERY = 5;

/** What is shown. */
let here = address.parse(location.hash);
let list: { key: string; view: ListView } | undefined;
let withSupporting = false;
let polls = 0;

const graph = new Graph();
const picture = new Picture((id) => go({ open: id.startsWith("mailto:") ? INBOX : id }));
const panel = new Panel(panelChanged, () => go({ open: "" }), () => history.back());
const nav = new Nav((tenant) => go({ open: "", tenant }));
const search = new Search(() => here.tenant, (page, open) => go(page ? { page, open } : { open }));

const regionName = h("span", { class: "chip", title: "Region" }, "–");
const regionTime = h("time", { class: "region-time", title: "The region's time, UTC" });
const stateText = h("span", {}, "connecting");
const state = h("span", { class: "state", role: "status" }, h("span", { class: "dot" }), stateText);
const totals = h("p", { class: "totals" });
const mailCount = h("span", { class: "count", hidden: true });
const inboxButton = h("button", { type: "button", class: "tool", "aria-label": "Inbox" }, sign("inbox"), h("span", {}, "Inbox"), mailCount);
const menuButton = h("button", { type: "button", class: "sign menu", "aria-label": "Resources", "aria-controls": "nav", "aria-expanded": "false" }, sign("menu"));
const supporting = h("button", { type: "button", class: "tool", "aria-pressed": "false", title: "IAM, STS, log groups, and calls that only set things up" });
const more = h("p", { class: "more", hidden: true });
const lost = h("p", { class: "lost", role: "alert", hidden: true });
const empty = welcome();
const toolbar = controls();
const lists = h("div", { class: "lists", hidden: true });
const workspace = h("main", { class: "workspace", tabindex: -1 }, picture.element, empty, toolbar, lists, panel.element);

/** Past the header and the way to the lists. */
const skip = h("button", { type: "button", class: "skip" }, "To the content");
skip.addEventListener("click", () => workspace.focus());

document.querySelector("#app")?.append(
  skip,
  h(
    "header",
    { class: "bar-top" },
    menuButton,
    logo(),
    h("h1", {}, "Brume"),
    regionName,
    state,
    totals,
    h("span", { class: "spring" }),
    regionTime,
    search.element,
    inboxButton,
    themeButton(),
  ),
  lost,
  h("div", { class: "body" }, nav.element, workspace),
);
listen();
show();
void poll();

/** Shows something else, with an address of its own. */
function go(to: Partial<address.Address>): void {
  const next = { ...here, ...to };
  if (!next.tenant) delete next.tenant;
  location.hash = address.format(next);
}

function linkTo(open: string): string {
  return address.format({ ...here, open });
}

/** Brings the page to what its address says. */
function show(): void {
  here = address.parse(location.hash);
  const kind = kindNamed(here.page);
  if (!kind && here.page !== address.ARCHITECTURE) here.page = address.ARCHITECTURE;
  document.title = `${kind?.title ?? "Architecture"} · Brume`;
  openMenu(false);
  nav.show(here);
  const key = address.format({ ...here, open: "" });
  if (!kind) list = undefined;
  else if (list?.key !== key) list = { key, view: listView(kind, here.tenant, linkTo) };
  sync(lists, list ? [list.view.element] : []);
  lists.hidden = !list;
  if (here.open) panel.open(here.open, viewOf(here.open));
  else panel.close();
  void list?.view.refresh().then(() => list?.view.select(here.open));
  draw();
  frame();
}

/** Shows as much of the picture as can be read around what is open, unless somebody looks at a part of it. */
function frame(): void {
  if (!list && !picture.element.hidden && !picture.camera.isHeld) picture.camera.fitAround(picture.middle(panel.view?.node ?? ""));
}

function viewOf(open: string): () => View {
  const trace = open.startsWith("trace:") ? traceId(open) : undefined;
  if (trace) return () => ({ ...traceView(trace, linkTo), key: open });
  if (open === INBOX) return () => inboxView(showMailCount);
  return () => nodeView(open, graph, here.tenant, linkTo);
}

async function poll(): Promise<void> {
  const began = performance.now();
  if (!document.hidden || polls === 0) await read();
  setTimeout(() => void poll(), Math.max(200, POLL_MILLIS - (performance.now() - began)));
}

async function read(): Promise<void> {
  try {
    const answer = await api.architecture();
    connected("");
    if (answer) {
      graph.update(answer, performance.now());
      const shown = here.tenant ?? answer;
      setText(regionName, shown.region || "–");
      regionName.title = `Region, account ${shown.account}`;
      regionTime.dateTime = answer.now;
      setText(regionTime, answer.now ? `${clock(answer.now, false)} UTC` : "");
      nav.offer({ account: answer.account, region: answer.region }, answer.tenants, here.tenant);
    }
    draw();
    if (polls === 0) {
      picture.select(panel.view?.node ?? "");
      frame();
    }
    if (polls % 2 === 0) void panel.refresh();
    if (polls % INBOX_EVERY === 0) {
      if (panel.view?.key !== INBOX) void countMail();
      void countResources();
      if (polls > 0) void list?.view.refresh().then(() => list?.view.select(here.open));
    }
    polls++;
  } catch (cause) {
    connected(cause instanceof Error ? cause.message : String(cause));
  }
}

async function countResources(): Promise<void> {
  const kinds = await api.counts(here.tenant).catch(() => null);
  if (kinds) nav.count(kinds);
}

function draw(): void {
  const { nodes, links, hidden, left } = graph.visible(withSupporting);
  const resources = nodes.filter((node) => node.kind !== "client").length + left;
  empty.hidden = resources > 0 || list !== undefined || polls === 0;
  // Before drawing: what is hidden has no size to fit into.
  picture.element.hidden = resources === 0 || list !== undefined;
  toolbar.hidden = list !== undefined || (resources === 0 && hidden === 0);
  showTotals(resources);
  if (list) return;
  const { clientWidth: width, clientHeight: height } = workspace;
  // In a narrow window the picture is as wide as the window, and as high as it gets.
  picture.draw(nodes, links, { width, height: width < NARROW ? Infinity : height - FOOT });
  more.hidden = left === 0;
  setText(more, `${counted(left, "more resource")} without calls`);
  supporting.hidden = hidden === 0 && !withSupporting;
  setText(supporting, withSupporting ? "Hide supporting" : hidden ? `Show supporting (${count(hidden)})` : "Show supporting");
}

function showTotals(resources: number): void {
  const edges = graph.links.flatMap((link) => link.edges);
  const callsPerSecond = edges.reduce((sum, edge) => sum + edge.callsPerSecond, 0);
  const errors = edges.reduce((sum, edge) => sum + edge.errors, 0);
  const figures = [counted(resources, "resource"), `${rate(callsPerSecond).replace("/", " calls/")}`, counted(errors, "error")];
  if (totals.childElementCount !== figures.length) sync(totals, figures.map(() => h("span")));
  figures.forEach((figure, index) => setText(totals.children[index] as Element, figure));
  totals.lastElementChild?.classList.toggle("failed", edges.some((edge) => edge.errorsPerSecond > 0));
}

/** @param trouble why the region does not answer; empty when it does */
function connected(trouble: string): void {
  state.classList.toggle("live", trouble === "");
  setText(stateText, trouble === "" ? "live" : "reconnecting");
  lost.hidden = trouble === "";
  setText(lost, trouble === "" ? "" : `The region at ${location.host} does not answer (${trouble}). What was read last is still shown.`);
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

function panelChanged(view: View | undefined, closed?: View): void {
  workspace.classList.toggle("with-panel", view !== undefined);
  workspace.classList.toggle("with-wide-panel", view?.isWide ?? false);
  inboxButton.setAttribute("aria-pressed", String(view?.key === INBOX));
  picture.select(view?.node ?? "");
  list?.view.select(view?.key ?? "");
  frame();
  if (!closed) return;
  if (list) list.view.focus(closed.key);
  else picture.focus(closed.node);
}

function openMenu(isOpen: boolean): void {
  nav.element.classList.toggle("open", isOpen);
  menuButton.setAttribute("aria-expanded", String(isOpen));
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
    more,
  );
}

function listen(): void {
  supporting.addEventListener("click", () => {
    withSupporting = !withSupporting;
    supporting.setAttribute("aria-pressed", String(withSupporting));
    draw();
  });
  window.addEventListener("hashchange", show);
  inboxButton.addEventListener("click", () => go({ open: here.open === INBOX ? "" : INBOX }));
  menuButton.addEventListener("click", () => openMenu(!nav.element.classList.contains("open")));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (nav.element.classList.contains("open")) openMenu(false);
      else if (here.open) go({ open: "" });
    }
    if (event.key === "/" && !(event.target as Element).closest("input, select")) {
      event.preventDefault();
      search.focus();
    }
  });
  let settling = 0;
  new ResizeObserver(() => {
    clearTimeout(settling);
    settling = window.setTimeout(() => {
      if (polls === 0) return;
      draw();
      if (!list && !picture.camera.isHeld) picture.camera.fit();
    }, 100);
  }).observe(workspace);
}
