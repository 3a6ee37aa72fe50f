/** The resources of one kind, over the whole page. */

import * as api from "./api.ts";
import type { Tenant } from "./address.ts";
import { h, setText } from "./dom.ts";
import { icon } from "./icons.ts";
import type { Kind } from "./kinds.ts";
import { sectionView } from "./section_view.ts";

export interface ListView {
  element: HTMLElement;
  /** Marks the row of what the panel shows. */
  select(arn: string): void;
  focus(arn: string): void;
  refresh(): Promise<void>;
}

export function listView(kind: Kind, tenant: Tenant | undefined, link: (arn: string) => string): ListView {
  const title = h("h2", { tabindex: -1 });
  setText(title, kind.title);
  const section = sectionView((part) => api.resources(kind.id, part, tenant), link, () => firstOne(kind, tenant));
  const element = h(
    "section",
    { class: "list", "aria-label": kind.title },
    h("header", { class: "list-head", "data-kind": kind.icon }, h("span", { class: "badge" }, icon(kind.icon)), title),
    section.element,
  );
  const links = () => [...element.querySelectorAll<HTMLAnchorElement>("a[data-arn]")];
  return {
    element,
    select(arn) {
      for (const anchor of links()) {
        if (anchor.dataset["arn"] === arn) anchor.setAttribute("aria-current", "true");
        else anchor.removeAttribute("aria-current");
      }
    },
    focus(arn) {
      (links().find((anchor) => anchor.dataset["arn"] === arn) ?? title).focus({ preventScroll: true });
    },
    refresh: () => section.load(),
  };
}

function firstOne(kind: Kind, tenant: Tenant | undefined): HTMLElement {
  const key = `AWS_ACCESS_KEY_ID=${tenant?.account ?? "test"} AWS_SECRET_ACCESS_KEY=test`;
  const place = tenant ? ` AWS_DEFAULT_REGION=${tenant.region}` : "";
  return h(
    "div",
    { class: "first" },
    h("p", {}, `There are no ${inText(kind.title)} yet. The first one:`),
    h("pre", { tabindex: 0 }, kind.create),
    h("p", { class: "quiet" }, "in a shell with"),
    h("pre", { tabindex: 0 }, `export AWS_ENDPOINT_URL=${location.origin}${place}\nexport ${key}`),
  );
}

/** A title within a sentence: `queues`, but `REST APIs`. */
function inText(title: string): string {
  return /^[A-Z][a-z]/.test(title) ? title[0]?.toLowerCase() + title.slice(1) : title;
}
