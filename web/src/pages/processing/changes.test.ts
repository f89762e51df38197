import type { Report } from "$api/client";
import { expect, test } from "vitest";
import { announcement, noted, QUIET_MS } from "./announcing";
import { changes } from "./changes";
import { model, report } from "./sample";

const nameOf = (id: string) => `Model ${id}`;
const texts = (before: Report | null, after: Report) =>
  changes(before, after, nameOf).map(({ text }) => text);

test("a first look says where things stand", () => {
  expect(texts(null, report({ completed_jobs: 30 }))).toEqual(["You joined at 50 %."]);
  const waiting = report({ status: "paid", started_at: null, queue_position: 2 });
  expect(texts(null, waiting)).toEqual(["Paid. 2 reports are before yours."]);
  expect(texts(null, report({ status: "complete" }))).toEqual([]);
});

test("the queue moves until the benchmark starts", () => {
  const second = report({ status: "paid", queue_position: 1 });
  const next = report({ status: "paid", queue_position: 0 });
  expect(texts(second, next)).toEqual(["Yours is next."]);
  expect(texts(next, next)).toEqual([]);
  expect(texts(next, report())).toEqual(["Started: 2 models side by side."]);
});

test("of a model its first failure, its first gap and its end are told, each once", () => {
  const begun = report({ models: [model("a", { passed: 3 })] });
  const failed = report({ models: [model("a", { passed: 3, failed: 1 })] });
  const worse = report({ models: [model("a", { passed: 3, failed: 2, unmeasured: 1 })] });
  const done = report({ models: [model("a", { passed: 27, failed: 2, unmeasured: 1 })] });
  expect(texts(begun, failed)).toEqual(["Model a: first answer that does not match."]);
  expect(texts(failed, worse)).toEqual(["Model a: first run that could not be measured."]);
  expect(texts(worse, done)).toEqual(["Model a has finished: 27 passed, 2 failed, 1 unmeasured."]);
  expect(texts(done, done)).toEqual([]);
});

test("the end is told once, in the words of its status", () => {
  const failed = report({ status: "failed" });
  expect(texts(report(), failed)).toEqual(["The benchmark ended without a single measured run."]);
  expect(texts(failed, { ...failed, refunded: true })).toEqual([]);
});

test("listeners hear of turns and quarters, not of every event, and not too often", () => {
  const start = report({ completed_jobs: 1 });
  const said = noted(start, 0);
  expect(announcement(null, start, 0)).toBe("Benchmark running. 1 of 60 runs done.");
  expect(announcement(said, report({ completed_jobs: 14 }), QUIET_MS)).toBeNull();
  expect(announcement(said, report({ completed_jobs: 15 }), QUIET_MS - 1)).toBeNull();
  expect(announcement(said, report({ completed_jobs: 15 }), QUIET_MS)).toBe("15 of 60 runs done.");
  const complete = report({ status: "complete" });
  expect(announcement(said, complete, 1)).toBe("The report is ready.");
  expect(announcement(noted(complete, 1), complete, QUIET_MS)).toBeNull();
});
