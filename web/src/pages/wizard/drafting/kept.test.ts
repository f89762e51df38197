import { beforeEach, expect, it } from "vitest";
import { Kept } from "./kept";

const LONG_AGO = "2020-01-01T00:00:00Z";
const LATER = "2999-01-01T00:00:00Z";
const kept = (draftId = "d1") => new Kept(localStorage, draftId);

beforeEach(() => localStorage.clear());

it("keeps edits by draft and by field over a reload", () => {
  kept().put("name", "Receipts", '""');
  kept().put("prompt", "Read it.", '"old"');
  expect(kept().fields.sort()).toEqual(["name", "prompt"]);
  expect(kept().value("name")).toBe("Receipts");
  expect(kept("d2").fields).toEqual([]);
});

it("two tabs that edit different fields leave each other's alone", () => {
  const [one, other] = [kept(), kept()];
  one.put("name", "A", '""');
  other.put("prompt", "B", '""');
  one.drop("name");
  expect(kept().fields).toEqual(["prompt"]);
});

it("an edit counts while the server has what it was made on, or was given since", () => {
  const edits = kept();
  edits.put("name", "abc", '""');
  edits.sent("name", '"ab"');
  for (const known of ['""', '"ab"']) expect(kept().counts("name", known, LATER)).toBe(true);
});

it("an edit on top of what somebody changed since counts only when it is the later one", () => {
  kept().put("name", "abc", '""');
  expect(kept().counts("name", '"other"', LONG_AGO)).toBe(true);
  expect(kept().counts("name", '"other"', LATER)).toBe(false);
});

it("lives in memory where storage is refused, and does not read what is damaged", () => {
  const edits = new Kept(null, "d1");
  edits.put("name", "a", "");
  expect([edits.value("name"), edits.isSafe]).toEqual(["a", false]);
  localStorage.setItem("modelpick:unsaved:d1:name", "{broken");
  expect(kept().fields).toEqual([]);
});
