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
const POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

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
      return send(response, 200, describe(url.searchParams.get("arn") ?? "", region));
    case "api/trace":
      return send(response, 200, { hops: hops(url.searchParams.get("id") ?? "") });
    case "mail":
      return send(response, 200, { mails: region.isEmpty ? [] : mails(region) });
    default:
      return file(response, path || "index.html");
  }
}

const secondsOf = ({ began }) => (Date.now() - began) / 1000 + 90;
/** Orders per second rise and fall over half a minute. */
const rateAt = (seconds) => 12.5 + 8 * Math.sin(seconds / 5);
const ordersAt = (seconds) => Math.floor(12.5 * seconds + 40 * (1 - Math.cos(seconds / 5)));
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

function architecture(region) {
  const now = new Date().toISOString();
  if (region.isEmpty) return { region: "us-east-1", now, edges: [], nodes: [] };
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
  return { region: "us-east-1", now, edges, nodes: [...ends].sort().map((end) => ({ arn: end, kind: end.split(":")[2] })) };
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
  return { arn: end, kind, title: end.split(/[:/]/).pop(), ...about };
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
