import { expect, test } from "vitest";
import { fieldPairs, imagePairs } from "./pairs";
import { sample, sampleStandings } from "./sample.testing";

const all = sampleStandings("strict");
const id = (name: string) => all.find(({ model }) => model.name.startsWith(name))!.model.id;
const verdicts = (first: string, second: string) =>
  imagePairs(sample, id(first), id(second), "strict").map(({ verdict }) => verdict);

test("every image is right for both, for one of them or for neither", () => {
  const found = verdicts("GPT-5.6 Luna", "Gemma");
  expect(found).toHaveLength(sample.config.images.length);
  expect(found).toContain("both");
  expect(found).toContain("first");
  expect(found).not.toContain("second");
});

test("the other way round only the sides change", () => {
  const swapped = { both: "both", first: "second", second: "first", neither: "neither", unknown: "unknown" };
  const there = verdicts("Gemini", "Gemma");
  expect(verdicts("Gemma", "Gemini")).toEqual(there.map((verdict) => swapped[verdict]));
});

test("an image without a measured run says nothing", () => {
  const silent = {
    ...sample,
    runs: sample.runs.map((run) =>
      run.image_index === 0 ? { ...run, strict: null, relaxed: null, outcome: "unmeasured" as const } : run,
    ),
  };
  expect(imagePairs(silent, id("Gemini"), id("Gemma"), "strict")[0]).toMatchObject({
    first: [0, 0],
    verdict: "unknown",
  });
});

test("fields that both read equally well are left out, and the widest gap comes first", () => {
  const one = all.find(({ model }) => model.id === id("GPT-5.6 Terra"))!;
  const other = all.find(({ model }) => model.id === id("Gemma"))!;
  const gaps = fieldPairs(one, other).map(({ first, second }) => Math.abs(first - second));
  expect(gaps.length).toBeGreaterThan(0);
  expect(gaps).toEqual([...gaps].sort((a, b) => b - a));
  expect(fieldPairs(one, one)).toEqual([]);
});
