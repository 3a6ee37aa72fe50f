/** The panel beside the picture. It shows one view at a time, and the way back to the one before. */

import { h, setText, sync } from "./dom.ts";
import { sign } from "./icons.ts";
import { shortened } from "./visible.ts";

export interface View {
  /** What the view is of, as it stands in the address; opening the same again changes nothing. */
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

  /**
   * @param onChange what is shown now, and what was closed
   * @param leave asks to close the panel; @param back to go back to the view before
   */
  constructor(
    private readonly onChange: (view: View | undefined, closed?: View) => void,
    leave: () => void,
    back: () => void,
  ) {
    const close = h("button", { type: "button", class: "sign", "aria-label": "Close", title: "Close (Esc)" }, sign("close"));
    close.addEventListener("click", leave);
    this.backButton.addEventListener("click", back);
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

  /** Shows what the address names: on top of what is open, which the way back leads to, or as the one before. */
  open(key: string, make: () => View): void {
    if (this.view?.key === key) return;
    if (this.stack.at(-2)?.key === key) this.stack.pop();
    else this.stack.push(make());
    // Nobody goes back further than this.
    if (this.stack.length > 20) this.stack.shift();
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
    setText(this.title, shortened(view.title, 300));
    setText(this.subtitle, shortened(view.subtitle, 1000));
  }
}

/** What a view says when there is nothing in it. */
export function quiet(text: string): HTMLElement {
  return h("p", { class: "quiet" }, text);
}
