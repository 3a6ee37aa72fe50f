import { expect, test } from "vitest";

import { canOpen, KINDS, kindOf } from "../../src/kinds.ts";
import { carriesData, resource } from "../../src/resource.ts";

test("every ARN stands in the list of its kind", () => {
  const here = "us-east-1:000000000000";
  for (const [arn, kind] of [
    [`arn:aws:sqs:${here}:orders`, "sqs"],
    ["arn:aws:s3:::pictures/2024/a.txt", "s3"],
    ["arn:aws:iam::000000000000:role/service/worker", "iam-roles"],
    ["arn:aws:iam::000000000000:user/ada", "iam-users"],
    ["arn:aws:iam::000000000000:policy/queues", "iam-policies"],
    [`arn:aws:execute-api:${here}:k3x9v2q7ab/prod`, "apigateway"],
    ["arn:aws:apigateway:us-east-1::/restapis/k3x9v2q7ab", "apigateway"],
    [`arn:aws:events:${here}:rule/shop/on-order`, "events"],
  ] as const) {
    expect(kindOf(arn)?.id).toBe(kind);
    expect(canOpen(arn)).toBe(true);
  }
});

test("what has no page is no link", () => {
  for (const text of ["", "orders", "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:ec2:us-east-1:000000000000:instance/i-1", "arn:aws:iam::000000000000:oidc-provider/x", "javascript:alert(1)"]) {
    expect(canOpen(text)).toBe(false);
  }
});

test("every kind says how the first one is made", () => {
  expect(new Set(KINDS.map((kind) => kind.id)).size).toBe(KINDS.length);
  for (const kind of KINDS) expect(kind.create).toMatch(/^aws [a-z0-9-]+ /);
});

test("streams, rules, keys and subscriptions belong to what they are of", () => {
  const prefix = "arn:aws:events:us-east-1:000000000000";
  expect(resource(`${prefix}:rule/shop/on-order`)).toMatchObject({ id: `${prefix}:event-bus/shop`, label: "shop" });
  expect(resource(`${prefix}:rule/nightly`)).toMatchObject({ id: `${prefix}:event-bus/default`, label: "default" });
  expect(resource("arn:aws:s3:::pictures/a/b.txt").id).toBe("arn:aws:s3:::pictures");
  expect(resource("arn:aws:dynamodb:us-east-1:000000000000:table/Orders/stream/1").label).toBe("Orders");
  expect(resource("arn:aws:apigateway:us-east-1::/restapis/k3x/resources/r/methods/GET").label).toBe("k3x");
});

test("sending events is traffic, making rules is not", () => {
  expect(carriesData("events:PutEvents")).toBe(true);
  expect(carriesData("events:PutRule")).toBe(false);
});
