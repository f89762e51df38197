import { expect, test } from "vitest";
import { elapsedS, remainingS, remainingWords, roughly } from "./expectation";
import { model, report, STARTED_MS } from "./sample";

const after = (s: number) => STARTED_MS + s * 1000;

test("nothing is expected before enough is done to tell", () => {
  expect(remainingS(report({ completed_jobs: 2 }), after(10))).toBeNull();
  expect(remainingWords(report({ completed_jobs: 2 }), after(10))).toBe("Estimating");
  expect(remainingWords(report({ status: "paid", started_at: null }), after(10))).toBe("Not started yet");
});

test("half done takes as long again", () => {
  const models = [model("a", { passed: 15 }), model("b", { passed: 15 })];
  expect(remainingS(report({ completed_jobs: 30, models }), after(60))).toBeCloseTo(60);
});

test("the slowest model decides", () => {
  const models = [model("quick", { passed: 27 }), model("slow", { passed: 3 })];
  expect(remainingS(report({ completed_jobs: 30, models }), after(20))).toBeCloseTo(180);
});

test("the deadline is the most that is expected", () => {
  const models = [model("quick", { passed: 29 }), model("slow", { passed: 1 })];
  const deadline_at = new Date(after(750)).toISOString();
  expect(remainingS(report({ completed_jobs: 30, models, deadline_at }), after(100))).toBeCloseTo(650);
});

test("elapsed time stops with the report, and a clock that runs behind shows none", () => {
  const completed_at = new Date(after(90)).toISOString();
  expect(elapsedS(report({ status: "complete", completed_at }), after(500))).toBe(90);
  expect(elapsedS(report(), after(-5))).toBe(0);
  expect(elapsedS(report({ started_at: null }), after(5))).toBeNull();
});

test("estimates are told in steps that a reader can use", () => {
  expect([3, 11, 47, 60, 100, 700].map(roughly)).toEqual([
    "a few seconds",
    "about 20 s",
    "about 50 s",
    "about a minute",
    "about 2 min",
    "about 12 min",
  ]);
});
