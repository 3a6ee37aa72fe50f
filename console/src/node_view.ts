/** One resource: facts, messages that wait in it, its lists, the latest that happened, and the calls from and to it. */

import type { Tenant } from "./address.ts";
import * as api from "./api.ts";
import { h, setText, sync } from "./dom.ts";
import { entryList } from "./entries.ts";
import { cell, count, millis, rate } from "./format.ts";
import type { Graph } from "./graph.ts";
import { canOpen, kindOf } from "./kinds.ts";
import { quiet, type View } from "./panel.ts";
import { resource, type Resource } from "./resource.ts";
import { sectionView, type SectionView } from "./section_view.ts";
import { shortened } from "./visible.ts";

/** Lists that say something by being empty. */
const TELLING = new Set(["keys", "items", "subscriptions", "targets", "rules", "stages", "streams"]);

/** Where something opens: the address of an ARN, or of `trace:ID`. */
type LinkTo = (open: string) => string;

export function nodeView(arn: string, graph: Graph, tenant: Tenant | undefined, link: LinkTo): View {
  const { id, label, noun, kind } = resource(arn);
  const isClient = id === "client";
  const error = h("p", { class: "failed", role: "alert", hidden: true });
  const facts = h("dl", { class: "facts" });
  const waiting = entryList((trace) => link(`trace:${trace}`));
  const waitingPart = part("Waiting", waiting.element);
  const lists = h("div");
  const recent = entryList((trace) => link(`trace:${trace}`));
  const nothing = quiet(isClient ? "Pick a resource to see what happened there." : "Nothing yet.");
  const calls = h("table", { class: "calls" });
  const callsPart = part("Calls", h("div", { class: "rows-frame" }, calls));
  const documents = h("div");
  const body = h("div", { "data-kind": kind }, error, facts, waitingPart, lists, part("Recent", nothing, recent.element), callsPart, documents);
  const sections = new Map<string, { part: HTMLElement; view: SectionView }>();
  // A key is drawn with its bucket and a rule with its bus, and so are the calls to them.
  const isWhole = arn === id || !/^arn:aws:(s3|events):/.test(arn);

  const view: View = {
    key: arn,
    title: label,
    subtitle: arn.startsWith("arn:") ? arn : noun,
    node: id,
    isWide: arn.startsWith("arn:") && kindOf(arn) !== undefined,
    body,
    async refresh() {
      callsPart.hidden = !isWhole || showCalls(calls, id, graph, link) === 0;
      if (isClient) return;
      const described = await api.describe(arn, tenant).catch((cause: unknown) => cause as Error);
      if (!described || described instanceof Error) {
        error.hidden = false;
        setText(error, described ? described.message : "The region does not know this.");
        return;
      }
      error.hidden = described.error === "";
      setText(error, shortened(described.error, 2000));
      showFacts(facts, described.facts, link);
      if (described.title) view.title = described.title;
      waiting.show(described.waiting);
      waitingPart.hidden = described.waiting.length === 0;
      showSections(described.sections);
      recent.show(described.recent);
      nothing.hidden = described.recent.length > 0;
      showDocuments(documents, described.documents);
    },
  };

  function showSections(described: api.Section[]): void {
    for (const section of described) {
      let shown = sections.get(section.id);
      if (!shown) {
        const view = sectionView((asked) => api.sectionOf(arn, section.id, asked, tenant), link, () => quiet("None."));
        shown = { part: part(section.title, view.element), view };
        sections.set(section.id, shown);
      }
      shown.view.show(section);
    }
    for (const { id } of described) {
      const shown = sections.get(id);
      if (shown) shown.part.hidden = shown.view.isEmpty && !TELLING.has(id);
    }
    sync(lists, [...sections.values()].map((shown) => shown.part));
  }
  return view;
}

function part(title: string, ...content: HTMLElement[]): HTMLElement {
  return h("section", { class: "part" }, h("h3", {}, title), ...content);
}

function showFacts(list: HTMLElement, facts: [string, string][], link: LinkTo): void {
  list.hidden = facts.length === 0;
  const shown = JSON.stringify(facts);
  if (list.dataset["shown"] === shown) return;
  list.dataset["shown"] = shown;
  list.replaceChildren(...facts.map(([name, value]) => {
    const text = shortened(cell(value), 600);
    const content = canOpen(value)
      ? h("a", { href: link(value), title: value }, h("bdi", {}, resource(value).label))
      : /^https?:\/\//.test(value) && URL.canParse(value)
        ? h("a", { href: value, target: "_blank", rel: "noreferrer noopener" }, text)
        : h("bdi", {}, text);
    return h("div", { class: text.length > 28 || /\S{15}/.test(text) ? "long" : undefined }, h("dt", {}, shortened(name, 200)), h("dd", {}, content));
  }));
}

function showDocuments(parent: HTMLElement, documents: { title: string; text: string }[]): void {
  const shown = JSON.stringify(documents);
  if (parent.dataset["shown"] === shown) return;
  parent.dataset["shown"] = shown;
  const open = new Set([...parent.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent));
  parent.replaceChildren(...documents.map(({ title, text }) =>
    h("details", { class: "document", open: open.has(title) }, h("summary", {}, title), h("pre", { tabindex: 0 }, shortened(text, 100_000))),
  ));
}

interface Calls {
  operation: string;
  isOutgoing: boolean;
  other: Resource;
  calls: number;
  callsPerSecond: number;
  millis: number;
  errors: number;
}

/** Calls from and to a resource, those with the same other end together: a bucket's keys are many ends. */
function callsOf(id: string, graph: Graph): Calls[] {
  const sums = new Map<string, Calls>();
  for (const edge of graph.links.flatMap((link) => link.edges)) {
    const [from, to] = [resource(edge.from), resource(edge.to)];
    if (from.id !== id && to.id !== id) continue;
    const isOutgoing = from.id === id;
    const other = isOutgoing ? to : from;
    const key = `${edge.operation} ${isOutgoing} ${other.id}`;
    const sum = sums.get(key) ?? { operation: edge.operation, isOutgoing, other, calls: 0, callsPerSecond: 0, millis: 0, errors: 0 };
    sum.calls += edge.calls;
    sum.callsPerSecond += edge.callsPerSecond;
    sum.millis += edge.meanMillis * edge.calls;
    sum.errors += edge.errors;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

/** How many calls there are to show. */
function showCalls(table: HTMLTableElement, id: string, graph: Graph, link: LinkTo): number {
  const rows = callsOf(id, graph).slice(0, 100).map((sum) => {
    const label = shortened(sum.other.label, 120);
    const name = canOpen(sum.other.id) ? h("a", { href: link(sum.other.id) }, h("bdi", {}, label)) : label;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, sum.operation, h("small", {}, sum.isOutgoing ? "to " : "from ", name)),
      h("td", {}, count(sum.calls)),
      h("td", {}, rate(sum.callsPerSecond)),
      h("td", {}, millis(sum.millis / Math.max(1, sum.calls))),
      h("td", { class: sum.errors ? "failed" : undefined }, count(sum.errors)),
    );
  });
  const heads = ["Operation", "Calls", "Rate", "Mean", "Errors"].map((name) => h("th", { scope: "col" }, name));
  // Not while somebody stands on a link in it.
  if (!table.contains(document.activeElement)) table.replaceChildren(h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows));
  return rows.length;
}
