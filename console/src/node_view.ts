/** One resource: facts, messages that wait in it, calls from and to it, and the latest items, log lines or calls. */

import * as api from "./api.ts";
import { h, setText, sync } from "./dom.ts";
import { clock, count, millis, rate } from "./format.ts";
import type { Graph, GraphNode } from "./graph.ts";
import { quiet, type View } from "./panel.ts";
import { resource } from "./resource.ts";

/** @param openTrace shows a trace by its id */
export function nodeView(node: GraphNode, graph: Graph, openTrace: (id: string) => void): View {
  const facts = h("dl", { class: "facts" });
  const calls = h("table", { class: "calls" });
  const waiting = entryList(openTrace);
  const waitingHead = h("h3", { hidden: true }, "Waiting");
  const recent = entryList(openTrace);
  const nothing = quiet("Nothing yet.");
  const body = h(
    "div",
    {},
    facts,
    waitingHead,
    waiting.element,
    h("h3", {}, "Calls"),
    calls,
    h("h3", {}, "Recent"),
    nothing,
    recent.element,
  );
  const view: View = {
    key: `node ${node.id}`,
    title: node.label,
    subtitle: node.id.startsWith("arn:") ? node.id : node.noun,
    node: node.id,
    body,
    async refresh() {
      showCalls(calls, node.id, graph);
      const described = node.id === "client" ? null : await api.describe(node.id);
      showFacts(facts, described?.facts ?? []);
      if (described?.title) view.title = described.title;
      waiting.show(described?.waiting ?? []);
      waitingHead.hidden = waiting.element.childElementCount === 0;
      recent.show(described?.recent ?? []);
      nothing.hidden = recent.element.childElementCount > 0;
      setText(nothing, node.id === "client" ? "Pick a resource to see what happened there." : "Nothing yet.");
    },
  };
  return view;
}

function showFacts(list: HTMLElement, facts: [string, string][]): void {
  list.hidden = facts.length === 0;
  const shown = JSON.stringify(facts);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function showCalls(table: HTMLTableElement, id: string, graph: Graph): void {
  const rows = graph.links
    .flatMap((link) => link.edges)
    .filter((edge) => resource(edge.from).id === id || resource(edge.to).id === id)
    .map((edge) => {
      const isOutgoing = resource(edge.from).id === id;
      const other = resource(isOutgoing ? edge.to : edge.from).label;
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, edge.operation, h("small", {}, `${isOutgoing ? "to" : "from"} ${other}`)),
        h("td", {}, count(edge.calls)),
        h("td", {}, rate(edge.callsPerSecond)),
        h("td", {}, millis(edge.meanMillis)),
        h("td", { class: edge.errors ? "failed" : undefined }, count(edge.errors)),
      );
    });
  const heads = ["Operation", "Calls", "Rate", "Mean", "Errors"].map((name) => h("th", { scope: "col" }, name));
  table.replaceChildren(h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows));
}

/** A list that keeps the elements of entries that stay, opened as they are. */
function entryList(openTrace: (id: string) => void): { element: HTMLElement; show(entries: api.Entry[]): void } {
  const element = h("ol", { class: "entries" });
  let known = new Map<string, HTMLElement>();
  return {
    element,
    show(entries) {
      const times = new Map<string, number>();
      const wanted = new Map<string, HTMLElement>();
      for (const entry of entries) {
        const content = JSON.stringify(entry);
        // The same line twice is two entries.
        const repeat = times.get(content) ?? 0;
        times.set(content, repeat + 1);
        const key = `${repeat} ${content}`;
        wanted.set(key, known.get(key) ?? entryElement(entry, openTrace));
      }
      known = wanted;
      sync(element, [...wanted.values()]);
    },
  };
}

function entryElement(entry: api.Entry, openTrace: (id: string) => void): HTMLElement {
  const head = h("div", { class: "entry-head" }, h("time", { datetime: entry.time }, clock(entry.time)));
  if (entry.state) head.append(h("span", {}, entry.state));
  if (entry.trace) {
    const button = h("button", { type: "button", class: "link-button", title: entry.trace }, "Trace");
    button.addEventListener("click", () => openTrace(entry.trace));
    head.append(button);
  }
  const text = h("div", { class: "entry-text" }, entry.text);
  if (!entry.detail) return h("li", { class: "entry" }, head, text);
  const detail = h("details", {}, h("summary", {}, text), h("pre", {}, entry.detail));
  return h("li", { class: "entry" }, head, detail);
}
