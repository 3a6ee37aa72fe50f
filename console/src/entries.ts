/** Messages, log lines and calls: a list that keeps the elements of entries that stay, opened as they are. */

import type { Entry } from "./api.ts";
import { h, sync } from "./dom.ts";
import { clock } from "./format.ts";
import { shortened } from "./visible.ts";

/** Characters of an entry's line, and of what is unfolded. */
const LONGEST_LINE = 2000;
const LONGEST_DETAIL = 50_000;

export interface Entries {
  element: HTMLElement;
  show(entries: Entry[]): void;
}

/** @param link the address of a trace by its id */
export function entryList(link: (trace: string) => string): Entries {
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
        wanted.set(key, known.get(key) ?? entryElement(entry, link));
      }
      known = wanted;
      sync(element, [...wanted.values()]);
    },
  };
}

function entryElement(entry: Entry, link: (trace: string) => string): HTMLElement {
  const head = h("div", { class: "entry-head" }, h("time", { datetime: entry.time }, clock(entry.time)));
  if (entry.state) head.append(h("span", { class: "entry-state" }, entry.state));
  if (entry.trace) head.append(h("a", { href: link(entry.trace), title: entry.trace }, "Trace"));
  const text = h("div", { class: "entry-text", dir: "auto" }, shortened(entry.text, LONGEST_LINE));
  if (!entry.detail) return h("li", { class: "entry" }, head, text);
  const detail = h("details", {}, h("summary", {}, text), h("pre", { tabindex: 0 }, shortened(entry.detail, LONGEST_DETAIL)));
  return h("li", { class: "entry" }, head, detail);
}
