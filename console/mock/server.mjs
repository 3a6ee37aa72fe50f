/**
 * A region that is not one: serves the built page and made-up answers of the order pipeline, for work on the page.
 *
 *     node mock/server.mjs [--port 4577] [--empty]
 */

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
/** The region's own policy, so that what it forbids fails here too. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const arn = (service, resource) => `arn:aws:${service}:us-east-1:000000000000:${resource}`;
const API = arn("execute-api", "k3x9v2q7ab/prod");
const ORDERS = arn("sqs", "orders");
const DEAD = arn("sqs", "orders-dead");
const PROCESS = arn("lambda", "function:process-order");
const TABLE = arn("dynamodb", "table/Orders");
const STREAM = `${TABLE}/stream/2026-11-23T03:58:00.000`;
const ANNOUNCE = arn("lambda", "function:announce-order");
const TOPIC = arn("sns", "order-announcements");
const ANNOUNCED = arn("sqs", "announced");
const MAILBOX = "mailto:sales@example.com";
const LOGS = arn("logs", "log-group:/aws/lambda/process-order");
const ROLE = "arn:aws:iam::000000000000:role/process-order-role";

/** From, to, operation, share of the pipeline's rate, milliseconds, share of errors. */
const FLOWS = [
  ["client", API, "execute-api:Invoke", 1, 2.4, 0],
  [API, ORDERS, "sqs:SendMessage", 1, 0.8, 0],
  [PROCESS, ORDERS, "sqs:ReceiveMessage", 0.1, 1.1, 0],
  [ORDERS, PROCESS, "lambda:Invoke", 0.1, 8.6, 0.02],
  [PROCESS, TABLE, "dynamodb:PutItem", 1, 1.3, 0.004],
  [ANNOUNCE, STREAM, "dynamodb:GetRecords", 0.05, 0.6, 0],
  [ANNOUNCE, TOPIC, "sns:Publish", 1, 1.9, 0],
  [TOPIC, ANNOUNCED, "sqs:SendMessage", 1, 0.7, 0],
  [TOPIC, MAILBOX, "ses:SendEmail", 0.2, 12, 0],
  [PROCESS, LOGS, "logs:PutLogEvents", 0.3, 0.5, 0],
];
/** What deploying it called, once. */
const SETUP = [ORDERS, DEAD, TABLE, PROCESS, ANNOUNCE, TOPIC, ANNOUNCED, ROLE].map((to) => {
  const operations = { sqs: "sqs:GetQueueAttributes", dynamodb: "dynamodb:DescribeTable", lambda: "lambda:GetFunction", sns: "sns:Subscribe", iam: "iam:PutRolePolicy" };
  return ["client", to, operations[to.split(":")[2]]];
});

/** Starts the mock; port 0 takes a free one. `close` ends it. */
export async function start({ port = 0, isEmpty = false } = {}) {
  const began = Date.now();
  const server = createServer((request, response) => {
    answer(request, response, { began, isEmpty }).catch((error) => send(response, 500, { error: String(error) }));
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  return { url: `http://127.0.0.1:${server.address().port}/_brume/`, close };
}

async function answer(request, response, region) {
  const url = new URL(request.url ?? "/", "http://region");
  if (!url.pathname.startsWith("/_brume/")) return send(response, 404, { error: "there is no such page" });
  const path = url.pathname.slice("/_brume/".length);
  switch (path) {
    case "api/architecture":
      return send(response, 200, architecture(region));
    case "api/node":
      if (url.searchParams.has("section")) return send(response, 200, keys(url.searchParams));
      return send(response, 200, describe(url.searchParams.get("arn") ?? "", region));
    case "api/resources":
      return resources(response, url.searchParams, region);
    case "api/search":
      return send(response, 200, search(url.searchParams.get("text") ?? "", region));
    case "api/trace":
      return send(response, 200, { hops: hops(url.searchParams.get("id") ?? "") });
    case "mail":
      return send(response, 200, { mails: region.isEmpty ? [] : mails(region) });
    default:
      return file(response, path || "index.html");
  }
}

/** Names by kind; of the kinds that are not here there is nothing, and keys cannot be read. */
const HELD = {
  sqs: Array.from({ length: 120 }, (_, index) => (index === 0 ? "orders" : `queue-${String(index).padStart(3, "0")}`)),
  dynamodb: ["Orders"],
  lambda: ["process-order", "announce-order"],
  s3: ["pictures", "<img src=x onerror=alert(1)>"],
};
const NAMED = { sqs: (name) => arn("sqs", name), dynamodb: (name) => arn("dynamodb", `table/${name}`), lambda: (name) => arn("lambda", `function:${name}`), s3: (name) => `arn:aws:s3:::${name}` };
const KINDS = ["apigateway", "dax", "dynamodb", "events", "glacier", "iam-groups", "iam-policies", "iam-roles", "iam-users", "kms", "lambda", "logs", "pipes", "s3", "scheduler", "secretsmanager", "sns", "sqs", "ssm"];
const PAGE = 50;

function resources(response, query, region) {
  const held = (kind) => (region.isEmpty ? [] : (HELD[kind] ?? []));
  const kind = query.get("kind");
  if (!kind) {
    const trouble = (id) => (id === "kms" && !region.isEmpty ? "InternalFailure: the keys cannot be read" : null);
    return send(response, 200, { kinds: KINDS.map((id) => ({ id, count: held(id).length, is_cut: false, error: trouble(id) })) });
  }
  if (kind === "kms" && !region.isEmpty) return send(response, 500, { error: "InternalFailure: the keys cannot be read" });
  const names = held(kind).filter((name) => name.startsWith(query.get("prefix") ?? ""));
  const from = Number(query.get("after") ?? 0);
  const rows = names.slice(from, from + PAGE).map((name) => ({ cells: [name, "1", "0", "0", "standard"], arn: NAMED[kind](name), folder: "", detail: "" }));
  const next = from + PAGE < names.length ? String(from + PAGE) : null;
  send(response, 200, { id: kind, title: kind, columns: ["Name", "Visible", "In flight", "Delayed", "Type"], rows, next, takes_prefix: kind === "sqs", error: null });
}

function search(text, region) {
  const words = text.toLowerCase().split(/\s+/);
  const all = region.isEmpty ? [] : Object.entries(HELD).flatMap(([kind, names]) => names.map((name) => ({ kind, name, arn: NAMED[kind](name) })));
  const hits = all.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  return { hits: hits.slice(0, 60), is_cut: hits.length > 60 };
}

/** A bucket's keys: two folders with two each, and one beside them with a name that is no markup. */
function keys(query) {
  const prefix = query.get("prefix") ?? "";
  const key = (name) => ({ cells: [name, "10 B", "STANDARD", "2026-11-23T03:58:00.000Z"], arn: `arn:aws:s3:::pictures/${name}`, folder: "", detail: "" });
  const folder = (name) => ({ cells: [name], arn: "", folder: name, detail: "" });
  const rows = /^202[45]\//.test(prefix) ? [key(`${prefix}a.txt`), key(`${prefix}b.txt`)] : [folder("2024/"), folder("2025/"), key("<b>top</b>.txt")];
  return { id: "keys", title: "Keys", columns: ["Key", "Size", "Storage class", "Modified"], rows, next: null, takes_prefix: true, error: null };
}

const secondsOf = ({ began }) => (Date.now() - began) / 1000 + 90;
/** Orders per second rise and fall over half a minute. */
const rateAt = (seconds) => 12.5 + 8 * Math.sin(seconds / 5);
const ordersAt = (seconds) => Math.floor(12.5 * seconds + 40 * (1 - Math.cos(seconds / 5)));
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

function architecture(region) {
  const now = new Date().toISOString();
  if (region.isEmpty) return { region: "us-east-1", account: "000000000000", tenants: [], now, edges: [], nodes: [] };
  const seconds = secondsOf(region);
  const edges = FLOWS.map(([from, to, operation, share, millis, errorShare]) => {
    const calls = Math.floor(ordersAt(seconds) * share);
    const perSecond = rateAt(seconds) * share;
    return {
      from, to, operation, calls,
      errors: Math.floor(calls * errorShare),
      calls_per_second: perSecond,
      errors_per_second: errorShare > 0.01 ? perSecond * errorShare : 0,
      mean_millis: millis * (1 + 0.1 * Math.sin(seconds)),
      seconds_since_last: 0,
    };
  });
  for (const [from, to, operation] of SETUP) {
    edges.push({ from, to, operation, calls: 2, errors: 0, calls_per_second: 0, errors_per_second: 0, mean_millis: 1.2, seconds_since_last: Math.floor(seconds) });
  }
  const ends = new Set(edges.flatMap((edge) => [edge.from, edge.to]).filter((end) => end.startsWith("arn:")));
  const tenants = [{ account: "000000000000", region: "us-east-1" }, { account: "111122223333", region: "eu-west-1" }];
  return { region: "us-east-1", account: "000000000000", tenants, now, edges, nodes: [...ends].sort().map((end) => ({ arn: end, kind: end.split(":")[2] })) };
}

const order = (number) => ({ orderId: `o-${String(number).padStart(6, "0")}`, customer: ["Ada", "Grace", "Edsger", "Barbara"][number % 4], total: (((number * 37) % 900) + 99) / 10 });
const traceOf = (number) => `1-6743e988-${number.toString(16).padStart(24, "0")}`;

function describe(end, region) {
  const kind = end.split(":")[2] ?? "";
  const newest = ordersAt(secondsOf(region));
  const last = Array.from({ length: 12 }, (_, index) => newest - index);
  const about = {
    sqs: {
      facts: [["Messages visible", String(newest % 7)], ["In flight", "10"], ["Delayed", "0"], ["Visibility timeout (s)", "60"], ["Retention (s)", "345600"]],
      waiting: [
        { time: ago(40), text: JSON.stringify(order(3)), state: "in flight", detail: JSON.stringify({ MessageId: "m-3", State: "in flight until 2026-11-23T04:00:00.000Z", Receives: 1, Body: JSON.stringify(order(3)) }, null, 2), trace: traceOf(3) },
        { time: ago(30), text: "<b>waits</b>", state: "visible", detail: JSON.stringify({ MessageId: "m-4", Body: "<b>waits</b>" }, null, 2) },
      ],
      recent: [
        // What comes from outside must show as text, whatever it looks like.
        { time: ago(0), text: `<img src=x onerror="document.title='hacked'"> as a message`, detail: "<script>document.title = 'hacked'</script>", trace: traceOf(7) },
        ...last.map((n) => ({ time: ago((newest - n) / 12), text: JSON.stringify(order(n)), detail: JSON.stringify({ MessageId: `m-${n}`, ApproximateReceiveCount: "1", Body: order(n) }, null, 2), trace: traceOf(n) })),
      ],
    },
    lambda: {
      facts: [["Runtime", "python3.12"], ["Memory (MB)", "512"], ["Timeout (s)", "30"], ["Environments", "3"]],
      recent: last.map((n) => ({ time: ago((newest - n) / 12), text: n % 5 ? `stored order ${order(n).orderId}` : `REPORT RequestId: 5f0c…${n} Duration: 7.31 ms Billed Duration: 8 ms Memory Size: 512 MB Max Memory Used: 61 MB`, trace: traceOf(n) })),
    },
    dynamodb: {
      facts: [["Items", String(newest)], ["Status", "ACTIVE"], ["Billing", "PAY_PER_REQUEST"], ["Stream", "NEW_AND_OLD_IMAGES"]],
      recent: last.map((n) => ({ time: ago((newest - n) / 12), text: order(n).orderId, detail: JSON.stringify(order(n), null, 2) })),
    },
  }[kind] ?? { facts: [], recent: last.map((n) => ({ time: ago((newest - n) / 12), text: `${kind} call · 1.2 ms · ok`, trace: traceOf(n) })) };
  const lists = {
    s3: [keys(new URLSearchParams())],
    dynamodb: [{ id: "items", title: "Items", columns: ["Key", "Attributes"], rows: [{ cells: ["\u202eorderId=o-1\u0007 " + "x".repeat(500), "total=9.90"], arn: "", folder: "", detail: "y".repeat(400_000) }], next: null, takes_prefix: false, error: null }],
    sqs: [{ id: "sources", title: "Takes dead letters of", columns: ["Queue"], rows: [], next: null, takes_prefix: false, error: "AccessDenied: not yours" }],
  }[kind] ?? [];
  const documents = kind === "lambda" ? [{ title: "Configuration", text: "{\n  \"Environment\": \"</pre><script>1</script>\"\n}" }] : [];
  if (end.endsWith(":nowhere")) return { arn: end, kind, title: "nowhere", error: "AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.", facts: [], sections: [], documents: [], waiting: [], recent: [] };
  return { arn: end, kind, title: end.split(/[:/]/).pop(), error: null, sections: lists, documents, ...about };
}

function hops(id) {
  const start = Date.now() - 5000;
  const chain = [
    ["execute-api:Invoke", API, 0, 2600, 0], ["sqs:SendMessage", ORDERS, 1, 800, 1], ["lambda:Invoke", PROCESS, 4, 9100, 2],
    ["dynamodb:PutItem", TABLE, 7, 1300, 3, "ProvisionedThroughputExceededException"], ["dynamodb:PutItem", TABLE, 10, 1400, 3],
    ["lambda:Invoke", ANNOUNCE, 15, 6200, 5], ["sns:Publish", TOPIC, 17, 2400, 6], ["sqs:SendMessage", ANNOUNCED, 18, 700, 7],
  ];
  if (!id) return [];
  return chain.map(([name, resource, after, duration_micros, parent, error], index) => ({
    trace: id, id: index + 1, parent, name, resource, start: new Date(start + after).toISOString(), duration_micros, error: error ?? null,
  }));
}

function mails(region) {
  const newest = ordersAt(secondsOf(region));
  return [
    { time: ago(70), from: "no-reply@sns.amazonaws.com", to: "sales@example.com", subject: "AWS Notification - Subscription Confirmation", body: "You have chosen to subscribe to the topic:\norder-announcements\n\nTo confirm this subscription, visit:\nhttp://127.0.0.1:4566/?Action=ConfirmSubscription&Token=2336412f37" },
    ...[2, 1, 0].map((n) => ({ time: ago(n * 4), from: "no-reply@sns.amazonaws.com", to: "sales@example.com", subject: "New order", body: `${order(newest - n).customer} ordered for ${order(newest - n).total.toFixed(2)} <b>EUR</b>` })),
  ];
}

function send(response, status, json) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(json));
}

async function file(response, path) {
  const name = normalize(path);
  const found = name.startsWith("..") ? null : await readFile(join(DIST, name)).catch(() => null);
  if (!found) return response.writeHead(404, { "content-type": "text/plain" }).end("There is no such page.\n");
  response.writeHead(200, {
    "content-type": TYPES[extname(name)] ?? "application/octet-stream",
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
  }).end(found);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "4577" }, empty: { type: "boolean", default: false } } });
  const { url } = await start({ port: Number(values.port), isEmpty: values.empty });
  console.log(url);
}
