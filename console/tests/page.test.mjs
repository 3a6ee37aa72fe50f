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
  assert.equal(await page.title(), "Architecture · Brume");
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
  await page.fill(".search input", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
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
  // The inbox is part of the address, so it is open again.
  await page.reload();
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

test("the way leads to lists, whose pages and prefixes are asked for", { skip }, async () => {
  const { page, faults } = await open(mock.url);
  await page.getByRole("link", { name: /^Queues/ }).click();
  const rows = page.locator(".list tbody tr");
  await rows.nth(49).waitFor();
  assert.equal(await rows.count(), 50);
  assert.equal(await page.locator('.nav [aria-current="page"]').textContent(), "Queues120");
  await page.getByRole("button", { name: "More" }).click();
  await rows.nth(99).waitFor();
  await page.getByRole("button", { name: "More" }).click();
  await rows.nth(119).waitFor();
  assert.equal(await page.getByRole("button", { name: "More" }).isVisible(), false);
  await page.fill(".list .prefix", "queue-11");
  await page.waitForFunction(() => document.querySelectorAll(".list tbody tr").length === 10);
  await page.fill(".list .prefix", "nothing");
  await page.locator(".list .quiet", { hasText: "Nothing begins with that." }).waitFor();
  assert.equal(await page.title(), "Queues · Brume");
  assert.deepEqual(faults, []);
  await page.close();
});

test("a resource has an address of its own, and going back leads back", { skip }, async () => {
  const { page, faults } = await open(`${mock.url}#/sqs/${ORDERS}`);
  await page.locator(".panel h2", { hasText: "orders" }).waitFor();
  await page.locator(`.list a[data-arn="${ORDERS}"][aria-current]`).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".panel").isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-arn")), ORDERS);
  assert.match(page.url(), /#\/sqs$/);
  await page.goBack();
  await page.locator(".panel h2", { hasText: "orders" }).waitFor();
  const failed = page.locator(".panel .part", { hasText: "Takes dead letters of" });
  assert.match(await failed.textContent(), /AccessDenied: not yours/);
  await page.goto(`${mock.url}#/architecture/arn:aws:sqs:us-east-1:000000000000:nowhere`);
  await page.locator(".panel p.failed", { hasText: "does not exist" }).waitFor();
  assert.deepEqual(faults, []);
  await page.close();
});

test("keys are walked by folders, and none of their names is markup", { skip }, async () => {
  const { page, faults } = await open(`${mock.url}#/s3/arn:aws:s3:::pictures`);
  const keys = page.locator(".panel .part", { hasText: "Keys" });
  await keys.getByText("<b>top</b>.txt").waitFor();
  await keys.getByRole("button", { name: "2024/" }).click();
  await keys.getByText("2024/b.txt").waitFor();
  await keys.getByRole("button", { name: "Up" }).click();
  await keys.getByText("2025/").waitFor();
  assert.equal(await page.locator(".list img, .panel img, .panel b").count(), 0);
  await page.locator(".list a", { hasText: "<img src=x onerror=alert(1)>" }).waitFor();
  await keys.getByText("<b>top</b>.txt").click();
  await page.waitForFunction(() => decodeURIComponent(location.hash) === "#/s3/arn:aws:s3:::pictures/<b>top</b>.txt");
  assert.deepEqual(faults, []);
  await page.close();
});

test("characters that hide or turn others are shown as signs, and long texts in part", { skip }, async () => {
  const { page, faults } = await open(`${mock.url}#/dynamodb/${TABLE}`);
  const item = page.locator(".panel .fold");
  await item.waitFor();
  assert.match(await item.textContent(), /^‹U\+202E›orderId=o-1\u2407 x+… \(\d+ characters\)$/);
  await item.click();
  const detail = await page.locator(".panel .unfolded pre").textContent();
  assert.ok(detail.length < 51_000 && detail.endsWith("(400000 characters)"));
  await page.goto(`${mock.url}#/lambda/${PROCESS}`);
  await page.locator("summary", { hasText: "Configuration" }).click();
  assert.match(await page.locator(".document pre").textContent(), /<\/pre><script>/);
  assert.deepEqual(faults, []);
  await page.close();
});

test("the search finds resources and lists by the keyboard alone", { skip }, async () => {
  const { page, faults } = await open(mock.url);
  await page.waitForSelector(card(ORDERS));
  await page.keyboard.press("/");
  await page.keyboard.type("order");
  await page.locator(".found li").nth(3).waitFor();
  for (let step = 0; step < 2; step++) await page.keyboard.press("ArrowDown");
  const chosen = await page.locator('.found li[aria-selected="true"] .found-name').textContent();
  await page.keyboard.press("Enter");
  await page.locator(".panel h2", { hasText: chosen }).waitFor();
  assert.equal(await page.locator(".found li").count(), 0);
  await page.keyboard.press("/");
  await page.keyboard.type("secrets");
  await page.locator(".found li", { hasText: "List" }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".first", { hasText: "aws secretsmanager create-secret" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("no such thing");
  await page.locator(".found-note", { hasText: "Nothing is called that." }).waitFor();
  assert.deepEqual(faults, []);
  await page.close();
});

test("what cannot be read says why", { skip }, async () => {
  const { page } = await open(`${mock.url}#/kms`);
  await page.locator(".list p.failed", { hasText: "the keys cannot be read" }).waitFor();
  assert.equal(await page.locator('.nav [data-page="kms"] .nav-count').textContent(), "!");
  await page.close();
});

test("another account's resources are chosen, and stay in the address", { skip }, async () => {
  const { page } = await open(`${mock.url}#/sqs`);
  const asked = page.waitForRequest((request) => request.url().includes("kind=sqs") && request.url().includes("account=111122223333"));
  await page.getByLabel("Account and region").selectOption("111122223333 eu-west-1");
  assert.match((await asked).url(), /region=eu-west-1/);
  assert.match(page.url(), /#\/111122223333\.eu-west-1\/sqs$/);
  await page.close();
});

test("the colours are chosen and kept", { skip }, async () => {
  const { page } = await open(mock.url);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  const button = page.locator("button.theme");
  await button.click();
  await button.click();
  assert.equal(await button.getAttribute("aria-label"), "Colours: dark");
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark);
  await page.close();
});

for (const [width, height] of [[400, 800], [1280, 800]]) {
  test(`nothing stands out of a window ${width} wide`, { skip }, async () => {
    const { page, faults } = await open(mock.url);
    await page.setViewportSize({ width, height });
    for (const place of ["", "#/sqs", "#/s3/arn:aws:s3:::pictures", `#/architecture/${TABLE}`, "#/ssm", "#/architecture/inbox", "#/architecture/trace:1-5759e988-bd862e3fe1be46a994272793"]) {
      await page.goto(`${mock.url}${place}`);
      await page.waitForFunction(() => document.querySelector(".state")?.textContent === "live");
      await page.waitForTimeout(300);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${place} is ${wide} wide`);
      const outside = await page.$$eval(".bar-top *, .panel-head *, .section-bar *, .list-head *, .facts *", (all) =>
        all.filter((element) => element.getClientRects().length > 0 && !element.closest(".found-box") && element.getBoundingClientRect().right > innerWidth + 1).map((element) => element.outerHTML.slice(0, 120)));
      assert.deepEqual(outside, [], place);
    }
    if (width === 400) {
      await page.goto(mock.url);
      await page.waitForFunction(() => (document.querySelector(".card")?.getBoundingClientRect().width ?? 0) > 180);
      await page.getByRole("button", { name: "Resources" }).click();
      await page.getByRole("link", { name: /^Tables/ }).click();
      await page.locator(".list-head h2", { hasText: "Tables" }).waitFor();
      await page.waitForFunction(() => getComputedStyle(document.querySelector(".nav")).visibility === "hidden");
    }
    assert.deepEqual(faults, []);
    await page.close();
  });
}
