import { afterEach, expect, test, vi } from "vitest";

import * as api from "../../src/api.ts";
import { cell } from "../../src/format.ts";

const answers = (status: number, body: unknown) => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
  });
  return asked;
};

afterEach(() => vi.unstubAllGlobals());

test("parameters are encoded, and empty ones left out", async () => {
  const asked = answers(200, {});
  await api.sectionOf("arn:aws:s3:::b/a&b", "keys", { prefix: "ä /", after: "" }, { account: "111122223333", region: "eu-west-1" });
  expect(asked).toEqual(["./api/node?account=111122223333&region=eu-west-1&arn=arn%3Aaws%3As3%3A%3A%3Ab%2Fa%26b&section=keys&prefix=%C3%A4%20%2F"]);
});

test("answers that are not as they should be are read as far as they go", async () => {
  answers(200, { columns: "no", rows: [{ cells: [1, null, { a: 1 }] }, 7, null], next: null, takes_prefix: "yes" });
  expect(await api.resources("sqs", {}, undefined)).toEqual({
    id: "", title: "", columns: [], rows: [{ cells: ["1", "", '{"a":1}'], arn: "", folder: "", detail: "" }], next: "", takesPrefix: false, error: "",
  });
  answers(200, "[]");
  expect(await api.describe("arn", undefined)).toMatchObject({ title: "", error: "", sections: [], documents: [], facts: [] });
});

test("what went wrong is told in the region's words", async () => {
  answers(400, { error: "InvalidRequest: there is no kind of resources called moons" });
  await expect(api.resources("moons", {}, undefined)).rejects.toThrow("moons");
  answers(500, "<html>");
  await expect(api.counts(undefined)).rejects.toThrow("the region answered 500");
  answers(404, "There is no such page.");
  expect(await api.counts(undefined)).toBeNull();
});

test("times in cells are people's, and everything else is left alone", () => {
  expect(cell("2026-11-23T17:31:21.482Z")).toBe("2026-11-23 17:31:21");
  for (const text of ["2026", "orders", "2026-99-99T00:00:00Z", ""]) expect(cell(text)).toBe(text);
});
