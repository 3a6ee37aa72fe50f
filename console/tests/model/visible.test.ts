import { expect, test } from "vitest";

import { shortened, visible } from "../../src/visible.ts";

test("plain text stays, with its lines", () => {
  for (const text of ["", "plain", "two\nlines\tand a tab", "עברית العربية 日本語 🙂 ü", "<script>&amp;"]) expect(visible(text)).toBe(text);
  expect(visible("one\r\ntwo")).toBe("one\ntwo");
});

test("what hides or turns its neighbours shows as a sign", () => {
  expect(visible("a\u0000\u0007\u001b[31m\u007f")).toBe("a\u2400\u2407\u241b[31m\u2421");
  expect(visible("invoice\u202egnp.exe")).toBe("invoice‹U+202E›gnp.exe");
  expect(visible("a\u200b\u2066\ufeff\u0085")).toBe("a‹U+200B›‹U+2066›‹U+FEFF›‹U+0085›");
  expect(visible("over\rwritten")).toBe("over\u240dwritten");
});

test("long texts are cut between characters, and say how long they were", () => {
  expect(shortened("abc", 3)).toBe("abc");
  expect(shortened("abcd", 3)).toBe("abc… (4 characters)");
  expect(shortened("ab🙂cd", 3)).toBe("ab… (6 characters)");
  expect(shortened("x".repeat(400_000), 100).length).toBeLessThan(130);
});
