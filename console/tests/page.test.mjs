/** The built page in a real browser, against the mock. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

import { start } from "../mock/server.mjs";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ORDERS = "arn:aws:sqs:us-east-1:000000000000:orders";
const PROCESS = "arn:aws:lambda:us-east-1:000000000000:function:process-order";
const TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/Orders";

const skip = existsSync(BROWSER) ? false : `no browser at ${BROWSER}`;
let browser;
let mock;

before(async () => {
  if (skip) return;
  mock = await start();
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
  browser = await chromium.launch({ executablePath: BROWSER, args });
});

after(async () => {
  await browser?.close();
  await mock?.close();
});

/** A page whose faults, those of the content security policy among them, and outside requests are collected. */
async function open(url) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`requested ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

const card = (arn) => `.card[data-id="${arn}"]`;

test("resources and what flows between them are drawn", { skip }, async () => {
  const { page, faults } = await open(mock.url);
  await page.waitForSelector(card(ORDERS));
  const labels = await page.$$eval(".card .label", (cards) => cards.map((element) => element.textContent).sort());
  assert.deepEqual(labels, [
    "Clients", "Orders", "announce-order", "announced", "k3x9v2q7ab/prod", "order-announcements", "orders",
    "orders-dead", "process-order", "sales@example.com",
  ]);
  // Receiving is drawn the way that messages go, and a stream as its table.
  const links = await page.$$eval(".link", (all) => all.map((link) => [link.dataset.from, link.dataset.to].join(" ")));
  assert.equal(links.length, 8);
  assert.ok(links.includes(`${ORDERS} ${PROCESS}`), links.join("\n"));
  assert.ok(links.includes(`${TABLE} ${PROCESS.replace("process", "announce")}`), links.join("\n"));
  assert.match(await page.textContent(".link-label"), /\/s · [\d.]+ ms/);
  await page.waitForFunction(() => document.querySelector(".state")?.textContent === "live");
  assert.deepEqual(faults, []);
  await page.close();
});

test("the picture fits its window, also when the first answer is late", { skip }, async () => {
  const { page } = await open("about:blank");
  await page.setViewportSize({ width: 1024, height: 700 });
  await page.route("**/api/architecture", async (route) => {
    const answer = await route.fetch();
    await new Promise((resolve) => setTimeout(resolve, 400));
    await route.fulfill({ response: answer });
  });
  await page.goto(mock.url);
  await page.waitForSelector(card(ORDERS));
  await page.waitForFunction(() => [...document.querySelectorAll(".card")].every((element) => {
    const box = element.getBoundingClientRect();
    return box.left >= 0 && box.top >= 56 && box.right <= innerWidth && box.bottom <= innerHeight && box.width > 90;
  }));
  const order = await page.$$eval(".card .label", (cards) => cards.map((element) => element.textContent));
  assert.deepEqual(order.slice(0, 5), ["Clients", "k3x9v2q7ab/prod", "orders", "process-order", "Orders"]);
  await page.close();
});

test("cards of one picture do not overlap", { skip }, async () => {
  const { page } = await open(mock.url);
  await page.getByRole("button", { name: /Show supporting/ }).click();
  await page.waitForSelector('.card[data-kind="iam"]');
  await page.waitForFunction(() => {
    const boxes = [...document.querySelectorAll(".card")].map((element) => element.getBoundingClientRect());
    return boxes.every((a, i) => boxes.every((b, j) =>
      i === j || a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top));
  });
  assert.ok((await page.$$(".card")).length >= 12);
  await page.close();
});

test("a message shows as text, whatever it looks like", { skip }, async () => {
  const { page, faults } = await open(mock.url);
  await page.click(card(ORDERS));
  const entry = page.locator(".entry", { hasText: "<img src=x onerror=" });
  await entry.waitFor();
  assert.equal(await page.locator(".panel img, .panel script").count(), 0);
  await entry.locator("summary").click();
  assert.match(await entry.locator("pre").textContent(), /^<script>/);
  assert.equal(await page.title(), "Brume");
  assert.ok((await page.locator(".entry").count()) > 5);
  assert.match(await page.locator(".facts").textContent(), /Messages visible/);
  assert.deepEqual(faults, []);
  await page.close();
});

test("a queue shows the messages that wait in it", { skip }, async () => {
  const { page, faults } = await open(mock.url);
  await page.click(card(ORDERS));
  const waiting = page.locator("h3:text-is('Waiting') + ol .entry");
  await waiting.first().waitFor();
  assert.equal(await waiting.count(), 2);
  assert.match(await waiting.first().textContent(), /in flight/);
  assert.match(await waiting.last().locator(".entry-text").textContent(), /<b>waits<\/b>/);
  await page.click(card(PROCESS));
  await page.locator(".panel h2", { hasText: "process-order" }).waitFor();
  assert.equal(await page.locator("h3:text-is('Waiting')").isVisible(), false);
  assert.deepEqual(faults, []);
  await page.close();
});

test("the keyboard opens a resource, and closing leads back to it", { skip }, async () => {
  const { page } = await open(mock.url);
  await page.focus(card(PROCESS));
  await page.keyboard.press("Enter");
  await page.locator(".panel h2", { hasText: "process-order" }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".panel").isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-id")), PROCESS);
  await page.close();
});

test("a pasted tracing header opens the trace", { skip }, async () => {
  const { page, faults } = await open(mock.url);
  await page.fill(".trace-form input", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
  await page.keyboard.press("Enter");
  await page.locator(".hop").first().waitFor();
  assert.equal(await page.locator(".hop").count(), 8);
  assert.match(await page.locator(".hop-error").textContent(), /ProvisionedThroughputExceeded/);
  assert.deepEqual(faults, []);
  await page.close();
});

test("mail is shown, and a region without an inbox has an empty one", { skip }, async () => {
  const { page } = await open(mock.url);
  await page.click('button[aria-label^="Inbox"]');
  await page.locator(".mail", { hasText: "<b>EUR</b>" }).first().waitFor();
  await page.route("**/mail", (route) => route.fulfill({ status: 404, body: "There is no such page." }));
  await page.reload();
  await page.click('button[aria-label^="Inbox"]');
  await page.locator(".panel .quiet", { hasText: "No mail" }).waitFor();
  await page.close();
});

test("an empty region tells how to begin, and a lost one that it is lost", { skip }, async () => {
  const empty = await start({ isEmpty: true });
  const { page } = await open(empty.url);
  await page.locator(".welcome", { hasText: "aws sqs create-queue" }).waitFor();
  await empty.close();
  await page.waitForFunction(() => document.querySelector(".state")?.textContent === "reconnecting");
  await page.close();
});
