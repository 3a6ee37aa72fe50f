import { expect, test } from "vitest";

import type { Architecture, Edge } from "../../src/api.ts";
import { Graph } from "../../src/graph.ts";
import { CARD, layout } from "../../src/layout.ts";

const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const edge = (from: string, to: string, operation: string, calls = 10): Edge => ({
  from, to, operation, calls, errors: 0, callsPerSecond: 1, errorsPerSecond: 0, meanMillis: 1, secondsSinceLast: 0,
});
const picture = (nodes: string[], edges: Edge[] = []): Architecture => ({ region: "us-east-1", account: "000000000000", tenants: [], now: "", nodes, edges });

test("messages flow from a queue to the function that fetches them", () => {
  const graph = new Graph();
  const fn = "arn:aws:lambda:us-east-1:000000000000:function:work";
  graph.update(picture([], [edge(fn, arn("a"), "sqs:ReceiveMessage"), edge("client", arn("a"), "sqs:SendMessage")]), 1000);
  const { links } = graph.visible(false);
  expect(links.map((link) => [link.from, link.to])).toEqual([[arn("a"), fn], ["client", arn("a")]]);
});

test("calls to a bus and from its rules are one bus's", () => {
  const graph = new Graph();
  const prefix = "arn:aws:events:us-east-1:000000000000";
  graph.update(picture([], [
    edge("client", `${prefix}:event-bus/shop`, "events:PutEvents"),
    edge(`${prefix}:rule/shop/on-order`, arn("a"), "sqs:SendMessage"),
  ]), 1000);
  const { nodes, links } = graph.visible(false);
  expect(nodes.map((node) => node.label).sort()).toEqual(["Clients", "a", "shop"]);
  expect(links).toHaveLength(2);
});

test("of many resources that nothing calls, only some are drawn, and the rest is counted", () => {
  const graph = new Graph();
  graph.update(picture(Array.from({ length: 100 }, (_, index) => arn(`q${index}`)), [edge("client", arn("q99"), "sqs:SendMessage")]), 1000);
  const { nodes, left } = graph.visible(false);
  expect(nodes.map((node) => node.id)).toContain(arn("q99"));
  expect(nodes.length + left).toBe(101);
  expect(left).toBeGreaterThan(50);
});

test("what is gone is forgotten", () => {
  const graph = new Graph();
  graph.update(picture([arn("a"), arn("b")]), 1000);
  graph.update(picture([arn("b")]), 2000);
  expect([...graph.nodes.keys()]).toEqual([arn("b")]);
});

test("in a narrow window that goes on below, cards stand below each other and can be read", () => {
  const links = [["a", "b"], ["b", "c"]].map(([from = "", to = ""]) => ({ id: `${from} ${to}`, from, to }));
  const arranged = layout(["a", "b", "c", "d", "e"], links, { width: 400, height: Infinity });
  expect(new Set([...arranged.places.values()].map((place) => place.x)).size).toBe(1);
  expect(arranged.width).toBeLessThan(400);
});

test("cards do not overlap, and those that stand alone use the width", () => {
  const ids = Array.from({ length: 30 }, (_, index) => `n${index}`);
  const links = [["n0", "n1"], ["n1", "n2"], ["n1", "n3"], ["n3", "n0"]].map(([from = "", to = ""]) => ({ id: `${from} ${to}`, from, to }));
  const arranged = layout(ids, links, { width: 1000, height: 700 });
  const places = [...arranged.places.values()];
  expect(places).toHaveLength(30);
  for (const [index, a] of places.entries()) {
    for (const b of places.slice(index + 1)) {
      expect(Math.abs(a.x - b.x) >= CARD.width || Math.abs(a.y - b.y) >= CARD.height).toBe(true);
    }
  }
  expect(Math.min(1000 / arranged.width, 700 / arranged.height)).toBeGreaterThan(0.4);
});
