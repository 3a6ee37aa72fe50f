import { expect, test } from "vitest";

import { type Address, format, parse } from "../../src/address.ts";

const QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders";
const tenant = { account: "111122223333", region: "eu-west-1" };

test("addresses are readable", () => {
  expect(format({ page: "architecture", open: "" })).toBe("#/");
  expect(format({ page: "sqs", open: "" })).toBe("#/sqs");
  expect(format({ page: "architecture", open: QUEUE })).toBe(`#/architecture/${QUEUE}`);
  expect(format({ page: "s3", open: "arn:aws:s3:::pictures/2024/a b.txt", tenant })).toBe("#/111122223333.eu-west-1/s3/arn:aws:s3:::pictures/2024/a%20b.txt");
});

test("what is written is read again, whatever is in it", () => {
  const opens = ["", QUEUE, "inbox", "trace:1-5759e988-bd862e3fe1be46a994272793", "mailto:a@b.example", "arn:aws:s3:::b/100% #1?/ä\u202e\u0000/..//", "arn:aws:s3:::b/%2F"];
  for (const open of opens) {
    for (const page of ["architecture", "sqs", "iam-roles"]) {
      const addresses: Address[] = [{ page, open }, { page, open, tenant }];
      for (const address of addresses) expect(parse(format(address))).toEqual(address);
    }
  }
});

test("what is no address means the architecture", () => {
  for (const hash of ["", "#", "#/", "/"]) expect(parse(hash)).toEqual({ page: "architecture", open: "" });
  expect(parse("#/s3/%E0%A4%A").open).toBe("%E0%A4%A");
  expect(() => format({ page: "s3", open: "arn:aws:s3:::b/\ud800" })).not.toThrow();
});
