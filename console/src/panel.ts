/** The panel beside the picture. It shows one view at a time, and the way back to the one before. */

import { h, setText, sync } from "./dom.ts";
import { sign } from "./icons.ts";

export interface View {
  /** What the view is of; opening the same again changes nothing. */
  key: string;
  title: string;
  subtitle: string;
  /** Ids of nodes to mark in the picture. */
  node: string;
  isWide?: boolean;
  body: HTMLElement;
  /** Brings the body up to date; called when opened, and every other second while open. */
  refresh(): Promise<void>;
}

export class Panel {
  readonly element: HTMLElement;
  private readonly title = h("h2", { id: "panel-title", tabindex: -1 });
  private readonly subtitle = h("p", { class: "subtitle" });
  private readonly content = h("div", { class: "content" });
  private readonly backButton = h("button", { type: "button", class: "sign", "aria-label": "Back", title: "Back" }, sign("back"));
  private readonly stack: View[] = [];
  private refreshing = false;

  constructor(private readonly onChange: (view: View | undefined, closed?: View) => void) {
    const close = h("button", { type: "button", class: "sign", "aria-label": "Close", title: "Close (Esc)" }, sign("close"));
    close.addEventListener("click", () => this.close());
    this.backButton.addEventListener("click", () => this.back());
    this.element = h(
      "aside",
      { class: "panel", "aria-labelledby": "panel-title", hidden: true },
      h("div", { class: "panel-head" }, this.backButton, h("div", { class: "panel-names" }, this.title, this.subtitle), close),
      this.content,
    );
  }

  get view(): View | undefined {
    return this.stack.at(-1);
  }

  /** Shows a view in place of what is open. */
  open(view: View): void {
    this.stack.length = 0;
    this.push(view);
  }

  /** Shows a view on top of what is open, which the back button leads back to. */
  push(view: View): void {
    if (this.view?.key === view.key) return;
    // Nobody goes back further than this.
    if (this.stack.length > 20) this.stack.shift();
    this.stack.push(view);
    this.show();
  }

  close(): void {
    const closed = this.view;
    if (!closed) return;
    this.stack.length = 0;
    this.element.hidden = true;
    this.onChange(undefined, closed);
  }

  async refresh(): Promise<void> {
    const view = this.view;
    if (!view || this.refreshing) return;
    this.refreshing = true;
    try {
      await view.refresh();
    } catch {
      // The header says that the region is away; what was read last stays.
    } finally {
      this.refreshing = false;
    }
    if (view === this.view) this.name(view);
  }

  private back(): void {
    this.stack.pop();
    this.show();
  }

  private show(): void {
    const view = this.view;
    if (!view) return;
    this.name(view);
    sync(this.content, [view.body]);
    this.content.scrollTop = 0;
    this.backButton.hidden = this.stack.length < 2;
    this.element.classList.toggle("wide", view.isWide ?? false);
    this.element.hidden = false;
    this.onChange(view);
    this.title.focus({ preventScroll: true });
    this.refreshing = false;
    void this.refresh();
  }

  private name(view: View): void {
    setText(this.title, view.title);
    setText(this.subtitle, view.subtitle);
  }
}

/** What a view says when there is nothing in it. */
export function quiet(text: string): HTMLElement {
  return h("p", { class: "quiet" }, text);
}
