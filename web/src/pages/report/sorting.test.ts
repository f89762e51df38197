import { expect, test } from "vitest";
import { COLUMNS, sorted } from "./sorting";
import { sampleStandings } from "./sample.testing";

const column = (id: string) => COLUMNS.find((each) => each.id === id)!;

test("rows are in the order of their column, and what does not exist is last either way", () => {
  const all = sampleStandings("strict").map((row, index) => ({ ...row, per1000Usd: index ? index : null }));
  const up = sorted(all, column("cost"), "ascending").map(({ per1000Usd }) => per1000Usd);
  const down = sorted(all, column("cost"), "descending").map(({ per1000Usd }) => per1000Usd);
  expect(up).toEqual([1, 2, 3, 4, 5, null]);
  expect(down).toEqual([5, 4, 3, 2, 1, null]);
});

test("equal rows keep the order of the ranking", () => {
  const all = sampleStandings("strict");
  const measured = sorted(all, column("measured"), "descending").map(({ model }) => model.id);
  expect(measured).toEqual(all.map(({ model }) => model.id));
});

test("every column sorts both ways without losing a row", () => {
  const all = sampleStandings("strict");
  for (const each of COLUMNS)
    for (const direction of ["ascending", "descending"] as const)
      expect(new Set(sorted(all, each, direction))).toEqual(new Set(all));
});
