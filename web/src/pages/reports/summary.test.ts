import type { Draft, Report } from "$api/client";
import { expect, test } from "vitest";
import { draftContents, draftName, modelsInWords, outcome } from "./summary";

const report = (parts: Partial<Report>) =>
  ({
    total_jobs: 60,
    completed_jobs: 12,
    models: [{ unmeasured: 2 }, { unmeasured: 1 }],
    ...parts,
  }) as Report;

test("every status has its outcome in words", () => {
  expect(outcome(report({ status: "paid", queue_position: 0 }))).toBe("Starts next");
  expect(outcome(report({ status: "paid", queue_position: 2 }))).toBe("2 reports before yours");
  expect(outcome(report({ status: "running" }))).toBe("12 of 60 runs done");
  expect(outcome(report({ status: "complete" }))).toBe("All 60 runs measured");
  expect(outcome(report({ status: "partial" }))).toBe("3 of 60 runs could not be measured");
  expect(outcome(report({ status: "failed", refunded: true }))).toContain("on its way back");
});

test("models are named up to three", () => {
  const names = new Map([["a/one", "One"]]);
  expect(modelsInWords(["a/one", "b/two"], names)).toBe("One, b/two");
  expect(modelsInWords(["a/one", "b", "c", "d", "e"], names)).toBe("One, b, c and 2 more");
});

test("a draft without a name or contents says so", () => {
  const draft = { name: " ", images: [], selected_models: [] } as unknown as Draft;
  expect(draftName(draft)).toBe("Untitled benchmark");
  expect(draftContents(draft)).toBe("Nothing in it yet");
});
