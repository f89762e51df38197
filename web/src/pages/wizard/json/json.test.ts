import { describe, expect, it } from "vitest";
import { compact, emptied, format, lint, placed, position } from "./lint";
import { canonical, isHollow } from "./values";

const LIMITS = { maxBytes: 1000, maxLevels: 4 };
const messages = (text: string) => lint(text, LIMITS).faults.map(({ message }) => message);

describe("the linter", () => {
  it.each(['{"a": [1, -2.5e3, true, false, null, "x\\u00e9"]}', "[]", "{}", ' "text" ', "0", ""])(
    "takes what JSON is: %s",
    (text) => expect(lint(text, LIMITS)).toMatchObject({ faults: [], isSound: true }),
  );

  it.each([
    ['{"a": 1, "a": 2}', 'The key "a" is given twice.'],
    ['{"a": NaN}', "NaN is not JSON."],
    ["[-Infinity]", "-Infinity is not JSON."],
    ["[1e999]", "The number is too large."],
    ["[[[[[1]]]]]", "The JSON is nested more than 4 levels deep."],
    ['["\\u0000"]', "A text holds NUL or half of a surrogate pair."],
    ['["\\ud800"]', "A text holds NUL or half of a surrogate pair."],
    ["[1, 2,]", "A comma must not stand before ]."],
    ['{"a" 1}', "A colon is missing after the key."],
    ["{a: 1}", 'A key in double quotes, such as "total", is expected here.'],
    ["[yes]", 'Text must stand in double quotes: "yes".'],
    ['{"a": "b\n"}', "This text has no closing quote."],
    ["[1] 2", "Only one value may stand here, and this is after its end."],
    ["[01]", "A comma or ] is missing here."],
    ['{"a": 1', "The text ends too early. A comma or } is missing here."],
  ])("refuses %s", (text, message) => expect(messages(text)).toContain(message));

  it("warns of numbers that browsers change, and lets them through", () => {
    const { faults, isSound } = lint("[12345678901234567890]", LIMITS);
    expect([faults[0]?.severity, isSound]).toEqual(["warning", true]);
  });

  it("counts the bytes that are sent, without white space", () => {
    expect(lint(`["${"é".repeat(500)}"]`, LIMITS).isSound).toBe(false);
    expect(lint(`[${" ".repeat(2000)}1]`, LIMITS).isSound).toBe(true);
  });

  it("says the line and the column", () => {
    const text = '{\n  "a": 1,\n  "b": x\n}';
    const [fault] = lint(text, LIMITS).faults;
    expect(position(text, fault?.from ?? 0)).toEqual({ line: 3, column: 8 });
  });

  it("puts what the server found where the value stands, or around it", () => {
    const text = '{"a": {"b/c": [1, 22]}}';
    const { places } = lint(text, LIMITS);
    const at = (pointer: string) => placed([{ pointer, detail: "" }], text, places)[0];
    expect(at("/a/b~1c/1")).toMatchObject({ from: 18, to: 20 });
    expect(at("/a/missing")).toMatchObject({ from: 6, to: 22 });
  });
});

describe("what is written", () => {
  it("is formatted without touching numbers and texts", () => {
    const text = '{"a":[1.50,12345678901234567890],"b":{},"c":[],"d":"x, {y}: [z]"}';
    expect(compact(format(text))).toBe(text);
    expect(format(text).split("\n").slice(0, 3)).toEqual(["{", '  "a": [', "    1.50,"]);
    expect(format(text)).toContain('"b": {},\n  "c": []');
  });

  it("keeps its structure when it is emptied", () => {
    expect(emptied({ a: "x", b: [{ c: 1 }, { c: 2 }], d: [] })).toEqual({ a: null, b: [{ c: null }], d: [] });
  });

  it("is hollow as long as no value is filled in", () => {
    for (const text of ["null", '{"a": null}', '{"a": null, "b": [{"c": null}], "d": []}'])
      expect(isHollow(text), text).toBe(true);
    for (const text of [
      "",
      "{}",
      "{broken",
      '{"a": null, "b": 0}',
      '{"a": ""}',
      '{"a": false}',
      '{"items": []}',
    ])
      expect(isHollow(text), text).toBe(false);
  });

  it("means the same however it is spelt", () => {
    expect(canonical('{ "a": 1.0 }')).toBe(canonical('{"a":1}'));
    expect(canonical("{broken")).toBe("{broken");
  });
});
