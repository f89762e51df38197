import { expect, test } from "vitest";
import { answerOf } from "./answer";
import { LeafFields, tallyByPath } from "./fields";
import { competitionRanks } from "./ranks";
import { sample, sampleStandings } from "./sample.testing";
import { shares, standings } from "./standing";
import type { Json } from "./types";

const strict = sampleStandings("strict");
const relaxed = sampleStandings("relaxed");

test("the ranks computed here are those of the service", () => {
  const rows = strict.map(({ model }) => {
    const runs = sample.runs.filter((run) => run.model_id === model.id && run.strict !== null);
    return shares(sample, runs, "strict");
  });
  expect(competitionRanks(rows)).toEqual(strict.map(({ model }) => model.rank));
});

test("ten images tell a model that is always right from one that never is, and five do not", () => {
  const right = (images: number) => Array<number>(images).fill(1);
  const wrong = (images: number) => Array<number>(images).fill(0);
  expect(competitionRanks([right(10), wrong(10)])).toEqual([1, 2]);
  expect(competitionRanks([right(5), wrong(5)])).toEqual([1, 1]);
  expect(competitionRanks([right(10), [...right(9), null], wrong(10), wrong(10)])).toEqual([1, 1, 3, 3]);
});

test("fields are counted as the service counts them", () => {
  const leaves = sample.config.images.map(({ expected }) => new LeafFields(expected as Json));
  for (const { model, fieldAccuracy } of strict) {
    const runs = sample.runs.filter((run) => run.model_id === model.id && run.strict !== null);
    const tallies = tallyByPath(runs, leaves, "strict");
    for (const { path, by_model } of sample.fields)
      expect(tallies.get(path)?.accuracy).toBeCloseTo(by_model[model.id]!, 12);
    expect(fieldAccuracy).toBe(model.field_accuracy);
  }
});

test("under the relaxed match no figure is lower", () => {
  for (const row of relaxed) {
    const before = strict.find(({ model }) => model === row.model)!;
    expect(row.rate).toBeGreaterThanOrEqual(before.rate!);
    expect(row.fieldAccuracy).toBeGreaterThanOrEqual(before.fieldAccuracy!);
    for (const [path, accuracy] of row.byField)
      expect(accuracy).toBeGreaterThanOrEqual(before.byField.get(path)!);
  }
  expect(relaxed.some((row) => row.fieldAccuracy! > row.model.field_accuracy!)).toBe(true);
});

test("the answer names who shares first place and who is cheapest among them", () => {
  const answer = answerOf(sample, strict, "strict");
  expect(answer.headline).toBe("GPT-5.6 Luna and 4 more share first place");
  expect(answer.leaders).toHaveLength(5);
  expect(answer.cheapest?.model.name).toBe("GPT-5.6 Luna");
  expect(answer.detail).toContain("these images cannot tell the 5 apart");
});

test("fields are not counted from differences of which the document leaves some out", () => {
  const runs = sample.runs.map((run) => ({ ...run, diffs: run.diffs.slice(0, 1) }));
  for (const match of ["strict", "relaxed"] as const)
    for (const row of standings({ ...sample, runs }, match)) {
      const had = sample.runs.filter((run) => run.model_id === row.model.id && run.diffs.length > 1);
      expect(row.hasAllDiffs).toBe(had.length === 0);
      if (row.hasAllDiffs) continue;
      expect(row.flips).toEqual([]);
      expect(row.fieldAccuracy).toBe(match === "strict" ? row.model.field_accuracy : null);
    }
});

test("a report in which nothing was measured says so", () => {
  const answer = answerOf({ ...sample, status: "failed" }, strict, "strict");
  expect(answer).toMatchObject({ headline: "Nothing could be measured", leaders: [], cheapest: null });
});
