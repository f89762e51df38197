import { expect, test } from "vitest";
import { inWords, times } from "./offer";

test("small numbers are said in words, larger ones in figures", () => {
  expect([1, 2, 3, 10].map(times)).toEqual(["once", "twice", "three times", "10 times"]);
  expect([3, 10].map(inWords)).toEqual(["three", "10"]);
});
