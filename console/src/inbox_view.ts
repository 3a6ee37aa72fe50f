/** Mail that the region kept instead of sending it. */

import * as api from "./api.ts";
import { h, sync } from "./dom.ts";
import { clock } from "./format.ts";
import { quiet, type View } from "./panel.ts";
import { shortened } from "./visible.ts";

export const INBOX = "inbox";

/** @param onRead learns how many mails there are whenever the inbox was read */
export function inboxView(onRead: (mails: number) => void): View {
  const body = h("div");
  let known = new Map<string, HTMLElement>();
  return {
    key: INBOX,
    title: "Inbox",
    subtitle: "Mail that the region kept instead of sending it",
    node: "",
    body,
    async refresh() {
      const mails = (await api.mails()) ?? [];
      onRead(mails.length);
      const newestFirst = [...mails].sort((a, b) => b.time.localeCompare(a.time));
      const wanted = new Map<string, HTMLElement>();
      for (const mail of newestFirst) {
        const key = JSON.stringify(mail);
        wanted.set(key, known.get(key) ?? mailElement(mail));
      }
      known = wanted;
      sync(body, wanted.size ? [...wanted.values()] : [quiet("No mail. Subscribe an address to a topic, and what is published arrives here.")]);
    },
  };
}

function mailElement(mail: api.Mail): HTMLElement {
  return h(
    "article",
    { class: "mail" },
    h("div", { class: "entry-head" }, h("time", { datetime: mail.time }, clock(mail.time, false)), h("span", {}, shortened(`${mail.from} → ${mail.to}`, 300))),
    h("h3", {}, shortened(mail.subject, 300) || "(no subject)"),
    h("pre", {}, ...linked(shortened(mail.body, 50_000))),
  );
}

/** Text with its links made clickable: confirmations of subscriptions are links. */
function linked(text: string): (HTMLElement | string)[] {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((part, index) =>
    index % 2 ? h("a", { href: part, target: "_blank", rel: "noreferrer noopener" }, part) : part,
  );
}
