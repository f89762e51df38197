import { expect, test } from "vitest";
import { actualLines, expectedLines, parentOf, parsed, type Line } from "./marking";
import type { Diff, Json } from "./types";

const diff = (path: string, kind: Diff["kind"], expected?: Json, actual?: Json): Diff => ({
  path,
  kind,
  expected,
  actual,
  rescued_by: null,
});
const marksOf = (lines: Line[]) =>
  lines.filter(({ mark }) => mark).map(({ key, text, mark }) => `${mark} ${key}${text}`);

test("what is missing or different is marked where it is expected", () => {
  const expected = { total: 8, shop: "A", tax: { rate: 7 } };
  const diffs = [
    diff("total", "wrong", 8, 9),
    diff("tax", "missing", { rate: 7 }),
    diff("tip", "extra", undefined, 1),
  ];
  expect(marksOf(expectedLines(expected, diffs))).toEqual([
    'wrong "total": 8,',
    'missing "tax": {',
    'missing "rate": 7',
    "missing }",
  ]);
});

test("in the answer what is added or different is marked, and what is missing has a line of its own", () => {
  const answer = parsed('{"total": 9, "shop": "A", "tip": {"a": 1}}')!;
  const diffs = [
    diff("total", "wrong", 8, 9),
    diff("tax", "missing", 7),
    diff("tip", "extra", undefined, { a: 1 }),
  ];
  expect(marksOf(actualLines(answer, diffs))).toEqual([
    'wrong "total": 9,',
    'extra "tip": {',
    'extra "a": 1',
    "extra }",
    'missing "tax": missing',
  ]);
});

test("rows that were matched in another order are marked by what they hold", () => {
  const answer = parsed('{"rows": [{"price": 5}, {"price": 1}]}')!;
  // Row 0 of what is expected was matched with the second row of the answer.
  const lines = actualLines(answer, [diff("rows[0].price", "wrong", 2, 1)]);
  expect(lines.filter(({ mark }) => mark).map(({ path }) => path)).toEqual(["rows[1].price"]);
});

test("numbers stay as the model wrote them, where the browser can tell", () => {
  const [line] = actualLines(parsed("12345678901234567890.50")!, []);
  expect(["12345678901234567890.50", "12345678901234567000"]).toContain(line!.text);
});

test("what is no JSON has no value, and 128 levels have one", () => {
  expect(parsed("Here you go: {}")).toBeUndefined();
  const deep = `${"[".repeat(128)}${"]".repeat(128)}`;
  expect(actualLines(parsed(deep)!, [])).toHaveLength(2 * 127 + 1);
});

test("a place is split into its container and its key", () => {
  expect(parentOf("a.b[2].c")).toEqual(["a.b[2]", '"c": ']);
  expect(parentOf("a.b[2]")).toEqual(["a.b", ""]);
  expect(parentOf('a["x.y"]')).toEqual(["a", '"x.y": ']);
  expect(parentOf("total")).toEqual(["", '"total": ']);
});
