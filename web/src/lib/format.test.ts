import { expect, test } from "vitest";
import { count, duration, interval, percent, seconds, usd } from "./format";

test("figures that do not exist are a dash", () => {
  for (const write of [percent, interval, seconds, usd, duration]) expect(write(null)).toBe("–");
});

test("rates, intervals and times are rounded to what they can say", () => {
  expect(percent(2 / 3)).toBe("67 %");
  expect(interval([0.401, 0.999])).toBe("40–100 %");
  expect(seconds(1234)).toBe("1.2 s");
  expect(seconds(12_345)).toBe("12 s");
  expect(duration(3.4)).toBe("3 s");
  expect(duration(119.6)).toBe("2 min 0 s");
});

test("money shows cents, and below a cent what there is to see", () => {
  expect(usd("14.99")).toBe("$14.99");
  expect(usd("0.000123")).toBe("$0.00012");
  expect(usd("0")).toBe("$0");
});

test("counted things agree with their number", () => {
  expect(count(1, "image")).toBe("1 image");
  expect(count(1200, "run")).toBe("1,200 runs");
});
