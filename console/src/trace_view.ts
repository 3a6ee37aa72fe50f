/** One trace, hop by hop, as a waterfall. */

import * as api from "./api.ts";
import { h, sync } from "./dom.ts";
import { clock, counted, millis } from "./format.ts";
import { quiet, type View } from "./panel.ts";
import { resource } from "./resource.ts";
import { shortened } from "./visible.ts";

/** The trace id in what somebody pasted, which may be a whole tracing header. */
export function traceId(pasted: string): string | undefined {
  return /\b1-[0-9a-f]{8}-[0-9a-f]{24}\b/i.exec(pasted)?.[0].toLowerCase();
}

/** @param link the address of a resource by its ARN */
export function traceView(id: string, link: (arn: string) => string): View {
  const body = h("div", { class: "waterfall" });
  let shown = "";
  return {
    key: `trace:${id}`,
    title: "Trace",
    subtitle: id,
    node: "",
    isWide: true,
    body,
    async refresh() {
      const hops = await api.trace(id).catch(() => null);
      const now = JSON.stringify(hops);
      if (now === shown) return;
      shown = now;
      sync(body, hops?.length ? waterfall(hops, link) : [quiet("The region remembers no hops of this trace.")]);
    },
  };
}

function waterfall(hops: api.Hop[], link: (arn: string) => string): HTMLElement[] {
  const start = Math.min(...hops.map((hop) => hop.start));
  const end = Math.max(...hops.map((hop) => hop.start + hop.durationMicros / 1000));
  const whole = Math.max(end - start, 0.001);
  const failed = hops.filter((hop) => hop.error).length;
  const summary = h(
    "p",
    { class: "summary" },
    `${counted(hops.length, "hop")} in ${millis(whole)}, from ${clock(new Date(start).toISOString())}`,
    failed ? h("span", { class: "failed" }, ` · ${failed} failed`) : null,
  );
  const rows = nested(hops).map(({ hop, depth }) => hopElement(hop, depth, start, whole, link));
  return [summary, h("ol", { class: "hops" }, ...rows)];
}

/** Hops in the order of their beginnings, each below the one that caused it. */
function nested(hops: api.Hop[]): { hop: api.Hop; depth: number }[] {
  const ids = new Set(hops.map((hop) => hop.id));
  const children = new Map<string, api.Hop[]>();
  for (const hop of [...hops].sort((a, b) => a.start - b.start)) {
    const parent = ids.has(hop.parent) && hop.parent !== hop.id ? hop.parent : "";
    children.set(parent, [...(children.get(parent) ?? []), hop]);
  }
  const rows: { hop: api.Hop; depth: number }[] = [];
  const visited = new Set<api.Hop>();
  const visit = (hop: api.Hop, depth: number): void => {
    if (visited.has(hop)) return;
    visited.add(hop);
    rows.push({ hop, depth });
    for (const child of children.get(hop.id) ?? []) visit(child, depth + 1);
  };
  for (const hop of children.get("") ?? []) visit(hop, 0);
  // Hops that name each other as their cause have no beginning.
  for (const hop of hops) visit(hop, 0);
  return rows;
}

function hopElement(
  hop: api.Hop,
  depth: number,
  start: number,
  whole: number,
  link: (arn: string) => string,
): HTMLElement {
  const on = hop.resource ? resource(hop.resource) : undefined;
  const bar = h("span", { class: "bar", "data-kind": on?.kind ?? hop.name.split(":")[0] });
  const left = Math.min(99, ((hop.start - start) / whole) * 100);
  bar.style.left = `${left}%`;
  bar.style.width = `${Math.min(100 - left, (hop.durationMicros / 1000 / whole) * 100)}%`;
  const name = h("span", { class: "hop-name" }, hop.name);
  name.style.paddingLeft = `${Math.min(depth, 8) * 12}px`;
  if (on) {
    name.append(h("a", { class: "hop-resource", href: link(hop.resource), title: hop.resource }, h("bdi", {}, shortened(on.label, 200))));
  }
  return h(
    "li",
    { class: hop.error ? "hop failing" : "hop" },
    name,
    h("span", { class: "bars" }, bar),
    h("span", { class: "took" }, millis(hop.durationMicros / 1000)),
    hop.error ? h("span", { class: "hop-error" }, shortened(hop.error, 2000)) : null,
  );
}
