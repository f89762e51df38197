import { expect, test } from "vitest";
import { interval, percent, price } from "./write";

test("rates are written as the service writes them, halves to the even neighbour", () => {
  expect([0.625, 0.635, 0.5, 0.375].map((rate) => percent(rate, 0))).toEqual([
    "62 %",
    "64 %",
    "50 %",
    "38 %",
  ]);
  expect([0.3125, 2 / 3, 0.99999, 0.00001].map((rate) => percent(rate))).toEqual([
    "31.2 %",
    "66.7 %",
    "99.9 %",
    "0.1 %",
  ]);
  expect(percent(null)).toBe("–");
});

test("intervals are in whole per cent, and prices have the places that matter", () => {
  expect(interval([0.7234, 1])).toBe("72–100 %");
  expect(["0", "0.0004", "7.5", "120.4", "1234.5"].map(price)).toEqual([
    "free",
    "< $0.01",
    "$7.50",
    "$120",
    "$1,234",
  ]);
});
