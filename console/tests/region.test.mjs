/**
 * The page that a real region serves, in a real browser. testing/sdk/test_console.py fills the region and runs this:
 * BRUME_ENDPOINT says where it is, BRUME_ARNS names a file with ARNs by the ids of their kinds.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const endpoint = process.env.BRUME_ENDPOINT;
const arns = process.env.BRUME_ARNS ? JSON.parse(readFileSync(process.env.BRUME_ARNS, "utf8")) : {};
const skip = endpoint ? false : "no BRUME_ENDPOINT";
let browser;

before(async () => {
  if (skip) return;
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
});

after(async () => browser?.close());

async function open(hash = "") {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("dialog", (dialog) => { faults.push(`a dialog: ${dialog.message()}`); void dialog.dismiss(); });
  await page.goto(`${endpoint}/_brume/${hash}`);
  return { page, faults };
}

const KINDS = ["apigateway", "lambda", "sqs", "sns", "events", "scheduler", "pipes", "dynamodb", "dax", "s3", "glacier", "logs", "kms", "secretsmanager", "ssm", "iam-roles", "iam-users", "iam-groups", "iam-policies"];

for (const kind of KINDS) {
  test(`${kind}: the list, and one of it`, { skip }, async () => {
    const { page, faults } = await open(`#/${kind}`);
    const link = page.locator(`.list a[data-arn="${arns[kind]}"]`);
    await link.click();
    await page.locator(".panel .facts dd, .panel .part tbody tr").first().waitFor();
    assert.equal(await page.locator("p.failed:visible").count(), 0, await page.locator(".panel").textContent());
    assert.equal(await link.getAttribute("aria-current"), "true");
    assert.deepEqual(faults, []);
    await page.close();
  });
}

test("a hostile message, item, key and log line are shown and do nothing", { skip }, async () => {
  const { page, faults } = await open(`#/sqs/${arns.sqs}`);
  await page.locator(".panel .entry", { hasText: "<script>document.title='taken'</script>‹U+202E›gnp.exe" }).waitFor();
  await page.goto(`${endpoint}/_brume/#/logs/${arns.logs}`);
  await page.locator(".panel .entry", { hasText: "</script>‹U+202E›gnp.exe\u2407\u2400" }).waitFor();
  await page.goto(`${endpoint}/_brume/#/dynamodb/${arns.dynamodb}`);
  const items = page.locator(".panel .part", { hasText: "Items" });
  await items.locator(".fold").nth(5).waitFor();
  const hostile = items.locator(".fold", { hasText: "<script>" });
  for (let pages = 0; pages < 5 && (await hostile.count()) === 0; pages++) {
    const before = await items.locator(".fold").count();
    await items.getByRole("button", { name: "More" }).click();
    await page.waitForFunction((count) => document.querySelectorAll(".panel .fold").length > count, before);
  }
  await hostile.click();
  assert.match(await items.locator("tr:not([hidden]) > td > pre").textContent(), /bytes in all|characters\)/);
  await page.goto(`${endpoint}/_brume/#/s3/${arns.s3}`);
  await page.locator(".panel a", { hasText: "odd <script>" }).click();
  await page.locator(".panel .facts", { hasText: "text/plain" }).waitFor();
  assert.equal(await page.locator(".panel script, .list script").count(), 0);
  assert.notEqual(await page.title(), "taken");
  assert.deepEqual(faults, []);
  await page.close();
});

test("from a bus to its rule and on to the queue, and back", { skip }, async () => {
  const { page, faults } = await open(`#/events/${arns.events}`);
  await page.locator(`.panel a[data-arn="${arns.rule}"]`).click();
  await page.locator(".panel h2", { hasText: "on-order" }).waitFor();
  await page.locator(".panel .document", { hasText: "Pattern" }).waitFor();
  await page.locator(`.panel a[data-arn="${arns.sqs}"]`).click();
  await page.locator(".panel h2", { hasText: "orders" }).waitFor();
  await page.getByRole("button", { name: "Back" }).click();
  await page.locator(".panel h2", { hasText: "on-order" }).waitFor();
  assert.deepEqual(faults, []);
  await page.close();
});

test("what was called is drawn, and looking on is not", { skip }, async () => {
  const { page, faults } = await open();
  await page.waitForSelector(`.card[data-id="${arns.lambda}"]`);
  const labels = await page.$$eval(".card .label", (all) => all.map((label) => label.textContent));
  for (const label of ["orders", "Orders", "pictures", "announcements", "process"]) assert.ok(labels.includes(label), labels.join());
  assert.ok(!labels.includes("console"));
  await page.keyboard.press("/");
  await page.keyboard.type("attic");
  await page.locator(".found li", { hasText: "Vaults" }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".panel h2", { hasText: "attic" }).waitFor();
  assert.deepEqual(faults, []);
  await page.close();
});
