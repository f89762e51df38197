import { expect, test } from "vitest";
import { legible, pieces, shortened } from "./legible";

test("what cannot be seen is named where it stands", () => {
  expect(pieces("a\u202eb\u200bc")).toEqual([
    { text: "a", hidden: false },
    { text: "U+202E", hidden: true },
    { text: "b", hidden: false },
    { text: "U+200B", hidden: true },
    { text: "c", hidden: false },
  ]);
  expect(pieces("plain\ttext\n<b>")).toEqual([{ text: "plain\ttext\n<b>", hidden: false }]);
  expect(pieces("\0\ud800")).toEqual([
    { text: "U+0000", hidden: true },
    { text: "U+D800", hidden: true },
  ]);
});

test("names are one line without marks that turn text around", () => {
  expect(legible(" a\n b\u202e ")).toBe("a b\ufffd");
  expect(shortened("abcdef", 4)).toBe("abc…");
});
