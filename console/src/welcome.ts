/** What an empty region shows: how to put something in it. */

import { h } from "./dom.ts";

export function welcome(): HTMLElement {
  const endpoint = location.origin;
  const commands = [
    `export AWS_ENDPOINT_URL=${endpoint}`,
    "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test",
    "export AWS_DEFAULT_REGION=us-east-1",
    "aws sqs create-queue --queue-name orders",
    "aws sqs send-message --message-body hello \\",
    `    --queue-url ${endpoint}/000000000000/orders`,
  ];
  return h(
    "section",
    { class: "welcome", hidden: true },
    h("h2", {}, "Nothing here yet"),
    h("p", {}, "Resources appear as soon as somebody calls them. Any AWS client will do:"),
    h("pre", { tabindex: 0 }, commands.join("\n")),
    h("p", {}, "Or let a whole architecture run, from the root of Brume’s repository:"),
    h("pre", { tabindex: 0 }, "./run"),
  );
}
