/** The way to every list: kinds with how many there are of each, and whose. */

import * as address from "./address.ts";
import type { KindCount } from "./api.ts";
import { h, setText } from "./dom.ts";
import { count } from "./format.ts";
import { icon, sign } from "./icons.ts";
import { KINDS } from "./kinds.ts";

export class Nav {
  readonly element: HTMLElement;
  private readonly links = new Map<string, { anchor: HTMLAnchorElement; count: HTMLElement }>();
  private readonly tenants = h("select", { "aria-label": "Account and region" });
  private readonly tenantRow = h("label", { class: "tenant", hidden: true }, h("span", {}, "Account and region"), this.tenants);
  private offered = "";

  constructor(onTenant: (tenant: address.Tenant | undefined) => void) {
    const groups = new Map<string, HTMLElement[]>();
    for (const kind of KINDS) {
      const line = this.line(kind.id, kind.title, icon(kind.icon), kind.icon);
      groups.set(kind.group, [...(groups.get(kind.group) ?? []), line]);
    }
    this.element = h(
      "nav",
      { class: "nav", id: "nav", "aria-label": "Resources" },
      this.tenantRow,
      h("ul", {}, this.line(address.ARCHITECTURE, "Architecture", sign("architecture"), "")),
      ...[...groups].flatMap(([group, lines]) => [h("h2", {}, group), h("ul", {}, ...lines)]),
    );
    this.tenants.addEventListener("change", () => {
      const [account = "", region = ""] = this.tenants.value.split(" ");
      onTenant(account ? { account, region } : undefined);
    });
  }

  private line(page: string, title: string, picture: SVGElement, kind: string): HTMLElement {
    const figure = h("span", { class: "nav-count" });
    const anchor = h("a", { href: address.format({ page, open: "" }), "data-kind": kind, "data-page": page }, picture, h("span", { class: "nav-title" }, title), figure);
    this.links.set(page, { anchor, count: figure });
    return h("li", {}, anchor);
  }

  /** Marks what is shown. */
  show(shown: address.Address): void {
    for (const [page, { anchor }] of this.links) {
      const to: address.Address = { page, open: "" };
      if (shown.tenant) to.tenant = shown.tenant;
      anchor.href = address.format(to);
      if (page === shown.page) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
    this.tenants.value = shown.tenant ? `${shown.tenant.account} ${shown.tenant.region}` : "";
  }

  count(kinds: KindCount[]): void {
    for (const kind of kinds) {
      const line = this.links.get(kind.id);
      if (!line) continue;
      setText(line.count, kind.error ? "!" : kind.count ? `${count(kind.count)}${kind.isCut ? "+" : ""}` : "");
      line.count.classList.toggle("failed", kind.error !== "");
      line.anchor.title = kind.error;
      line.anchor.classList.toggle("none", kind.count === 0 && !kind.error);
    }
  }

  /** Offers the accounts and regions in which something is, when there is more than the region's own. */
  offer(own: address.Tenant, tenants: address.Tenant[], shown: address.Tenant | undefined): void {
    const others = new Map(tenants.map((tenant) => [`${tenant.account} ${tenant.region}`, tenant]));
    if (shown) others.set(`${shown.account} ${shown.region}`, shown);
    others.delete(`${own.account} ${own.region}`);
    const wanted = JSON.stringify([own, [...others.keys()]]);
    if (wanted === this.offered) return;
    this.offered = wanted;
    const option = (value: string, text: string) => h("option", { value }, text);
    this.tenants.replaceChildren(
      option("", `${own.account} ${own.region}`),
      ...[...others.keys()].sort().map((key) => option(key, key)),
    );
    this.tenants.value = shown ? `${shown.account} ${shown.region}` : "";
    this.tenantRow.hidden = others.size === 0;
  }
}
