/** A list in pages as a table: rows that can be opened or unfolded, a filter by prefix, and more on request. */

import * as api from "./api.ts";
import { h, setText, sync } from "./dom.ts";
import { cell } from "./format.ts";
import { canOpen } from "./kinds.ts";
import { quiet } from "./panel.ts";
import { resource } from "./resource.ts";
import { shortened } from "./visible.ts";

/** Characters of a cell that are shown. */
const LONGEST_CELL = 400;

export interface SectionView {
  element: HTMLElement;
  /** Shows the first page as it was read lately, unless somebody is further down or filters. */
  show(section: api.Section): void;
  /** Reads the first page anew. */
  load(): Promise<void>;
  /** Nothing to see, and nothing was asked for. */
  readonly isEmpty: boolean;
}

/** @param link the address of a resource by its ARN; @param empty what an empty list says */
export function sectionView(
  read: (part: api.Part) => Promise<api.Section | null>,
  link: (arn: string) => string,
  empty: () => HTMLElement,
): SectionView {
  const prefix = h("input", { type: "search", class: "prefix", placeholder: "Begins with…", spellcheck: "false", autocomplete: "off" });
  const up = h("button", { type: "button", class: "link-button" }, "Up");
  const bar = h("form", { class: "section-bar", hidden: true }, prefix, up);
  const body = h("tbody");
  const head = h("thead");
  const table = h("table", { class: "rows" }, head, body);
  const error = h("p", { class: "failed", role: "alert", hidden: true });
  const more = h("button", { type: "button", class: "tool", hidden: true }, "More");
  const nothing = h("div", { hidden: true });
  const element = h("div", { class: "section" }, bar, error, h("div", { class: "rows-frame" }, table), nothing, more);

  let columns: string[] = [];
  let rows: api.Row[] = [];
  let next = "";
  let isHeld = false;
  let isEmpty = true;
  let asked = 0;
  let known = new Map<string, HTMLElement[]>();

  function draw(section: api.Section, isMore: boolean): void {
    columns = section.columns;
    rows = isMore ? [...rows, ...section.rows] : section.rows;
    next = section.next;
    bar.hidden = !section.takesPrefix || (rows.length === 0 && !prefix.value && !next);
    prefix.setAttribute("aria-label", `${section.title}: begins with`);
    up.hidden = !prefix.value;
    fail(section.error);
    const heads = columns.map((column) => h("th", { scope: "col" }, column));
    if (head.textContent !== columns.join("")) head.replaceChildren(h("tr", {}, ...heads));
    const wanted = new Map<string, HTMLElement[]>();
    rows.forEach((row, index) => {
      const content = JSON.stringify(row);
      const key = wanted.has(content) ? `${index} ${content}` : content;
      wanted.set(key, known.get(key) ?? rowElements(row));
    });
    known = wanted;
    sync(body, [...wanted.values()].flat());
    more.hidden = next === "";
    isEmpty = rows.length === 0 && !section.error && !prefix.value;
    table.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0 || section.error !== "";
    if (!nothing.hidden) nothing.replaceChildren(prefix.value ? quiet("Nothing begins with that.") : empty());
  }

  function fail(text: string): void {
    error.hidden = text === "";
    setText(error, shortened(text, 2000));
  }

  async function fetchPage(after: string): Promise<void> {
    const request = ++asked;
    element.setAttribute("aria-busy", "true");
    try {
      const section = await read({ prefix: prefix.value, after });
      if (section && request === asked) draw(section, after !== "");
    } catch (cause) {
      if (request === asked) fail(cause instanceof Error ? cause.message : String(cause));
    } finally {
      if (request === asked) element.removeAttribute("aria-busy");
    }
  }

  function filter(text: string): void {
    prefix.value = text;
    isHeld = text !== "";
    void fetchPage("");
  }

  function rowElements(row: api.Row): HTMLElement[] {
    const cells = columns.map((column, index) => h("td", { "data-label": column }, ...content(row, index)));
    const line = h("tr", {}, ...cells);
    const first = cells[0];
    if (!row.detail || !first) return [line];
    const detail = h("pre", { tabindex: 0 }, shortened(row.detail, 50_000));
    const unfolded = h("tr", { class: "unfolded", hidden: true }, h("td", { colspan: columns.length }, detail));
    const button = h("button", { type: "button", class: "fold", "aria-expanded": "false" });
    button.addEventListener("click", () => {
      unfolded.hidden = !unfolded.hidden;
      button.setAttribute("aria-expanded", String(!unfolded.hidden));
    });
    if (first.querySelector("a")) {
      // A link stays a link, beside the way to the rest.
      button.setAttribute("aria-label", `Details of ${first.textContent}`);
      first.replaceChildren(h("span", { class: "foldable" }, button, ...first.childNodes));
    } else {
      button.append(...first.childNodes);
      first.append(button);
    }
    return [line, unfolded];
  }

  function content(row: api.Row, index: number): (HTMLElement | string)[] {
    const text = row.cells[index] ?? "";
    const shown = shortened(cell(text), LONGEST_CELL) || (index === 0 ? "(no name)" : "–");
    if (index === 0 && row.folder) {
      const folder = h("button", { type: "button", class: "link-button folder" }, h("bdi", {}, shown));
      folder.addEventListener("click", () => filter(row.folder));
      return [folder];
    }
    if (index === 0 && canOpen(row.arn)) return [h("a", { href: link(row.arn), "data-arn": row.arn }, h("bdi", {}, canOpen(text) ? resource(text).label : shown))];
    if (canOpen(text)) return [h("a", { href: link(text), title: text }, h("bdi", {}, resource(text).label))];
    return [h("bdi", {}, shown)];
  }

  let typing = 0;
  prefix.addEventListener("input", () => {
    clearTimeout(typing);
    typing = window.setTimeout(() => filter(prefix.value), 200);
  });
  bar.addEventListener("submit", (event) => event.preventDefault());
  up.addEventListener("click", () => filter(/^(.*\/)?[^/]+\/?$/.exec(prefix.value)?.[1] ?? ""));
  more.addEventListener("click", () => {
    isHeld = true;
    void fetchPage(next);
  });
  return {
    element,
    show: (section) => {
      if (!isHeld) draw(section, false);
    },
    load: async () => {
      if (!isHeld) await fetchPage("");
    },
    get isEmpty() {
      return isEmpty;
    },
  };
}
