/** The search over everything: resources by name, lists, and traces by their id. */

import * as address from "./address.ts";
import * as api from "./api.ts";
import { h, setAttribute, sync } from "./dom.ts";
import { icon, sign } from "./icons.ts";
import { KINDS, kindNamed } from "./kinds.ts";
import { traceId } from "./trace_view.ts";
import { shortened } from "./visible.ts";

interface Choice {
  open: string;
  page: string;
  name: string;
  noun: string;
  icon: string;
}

export class Search {
  readonly element: HTMLElement;
  private readonly input = h("input", {
    type: "search",
    placeholder: "Search everything, or a trace id",
    "aria-label": "Search everything",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "found",
    "aria-autocomplete": "list",
    spellcheck: "false",
    autocomplete: "off",
  });
  private readonly list = h("ul", { id: "found", class: "found", role: "listbox", "aria-label": "Found", hidden: true });
  private readonly note = h("p", { class: "found-note", role: "status" });
  private choices: Choice[] = [];
  private at = -1;
  private asked = 0;

  constructor(
    private readonly tenant: () => address.Tenant | undefined,
    private readonly go: (page: string | undefined, open: string) => void,
  ) {
    const box = h("div", { class: "found-box" }, this.list, this.note);
    this.element = h("form", { class: "search", role: "search" }, sign("search"), this.input, h("kbd", { "aria-hidden": "true" }, "/"), box);
    let typing = 0;
    this.input.addEventListener("input", () => {
      clearTimeout(typing);
      typing = window.setTimeout(() => void this.find(), 120);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("focus", () => void this.find());
    this.element.addEventListener("focusout", (event) => {
      if (!this.element.contains(event.relatedTarget as Node | null)) this.close();
    });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  private async submit(): Promise<void> {
    if (this.at < 0) await this.find();
    const choice = this.choices[Math.max(0, this.at)];
    if (choice) this.choose(choice);
  }

  private async find(): Promise<void> {
    const text = this.input.value.trim();
    const request = ++this.asked;
    if (!text) return this.close();
    const trace = traceId(text);
    if (trace) return this.show([{ open: `trace:${trace}`, page: "", name: trace, noun: "Trace", icon: "trace" }], "");
    const small = text.toLowerCase();
    const lists = KINDS.filter((kind) => kind.title.toLowerCase().includes(small));
    const pages = lists.map((kind) => ({ open: "", page: kind.id, name: kind.title, noun: "List", icon: kind.icon }));
    try {
      const { hits, isCut } = await api.search(text, this.tenant());
      if (request !== this.asked) return;
      const found = hits.map((hit) => ({ open: hit.arn, page: hit.kind, name: hit.name, noun: kindNamed(hit.kind)?.title ?? hit.kind, icon: kindNamed(hit.kind)?.icon ?? hit.kind }));
      this.show([...pages, ...found], isCut ? "There may be more." : pages.length + found.length ? "" : "Nothing is called that.");
    } catch (cause) {
      if (request === this.asked) this.show(pages, cause instanceof Error ? cause.message : String(cause));
    }
  }

  private show(choices: Choice[], note: string): void {
    this.choices = choices;
    this.at = -1;
    const lines = choices.map((choice, index) => {
      const picture = choice.icon === "trace" ? sign("trace") : icon(choice.icon);
      const line = h(
        "li",
        { id: `found-${index}`, role: "option", "aria-selected": "false", "data-kind": choice.icon },
        picture,
        h("bdi", { class: "found-name" }, shortened(choice.name, 200)),
        h("span", { class: "noun" }, choice.noun),
      );
      // Before the input loses its focus, which closes the list.
      line.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.choose(choice);
      });
      return line;
    });
    sync(this.list, lines);
    this.note.textContent = note;
    this.list.hidden = lines.length === 0;
    this.element.classList.toggle("finding", lines.length > 0 || note !== "");
    setAttribute(this.input, "aria-expanded", String(lines.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  private close(): void {
    this.asked++;
    this.show([], "");
  }

  private choose(choice: Choice): void {
    this.close();
    this.input.value = "";
    this.input.blur();
    this.go(choice.page || undefined, choice.open);
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      event.stopPropagation();
      if (this.element.classList.contains("finding")) this.close();
      else this.input.blur();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || this.choices.length === 0) return;
    event.preventDefault();
    const lines = [...this.list.children];
    lines[this.at]?.setAttribute("aria-selected", "false");
    this.at = this.at < 0 && step < 0 ? lines.length - 1 : (this.at + step + lines.length) % lines.length;
    const line = lines[this.at];
    line?.setAttribute("aria-selected", "true");
    line?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", `found-${this.at}`);
  }
}
