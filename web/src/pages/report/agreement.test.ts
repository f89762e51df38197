/** The figures that are computed here are those that the service's own statistics give: see standing_cases.py. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { answerOf, RIGHT } from "./answer";
import { competitionRanks } from "./ranks";
import { shares, standings, type Standing } from "./standing";
import type { Document, Json, Match, Model, Run } from "./types";

interface Letter {
  outcome: Run["outcome"];
  passed: boolean | null;
  passed_relaxed: boolean | null;
  diffs: Run["diffs"];
}
interface Case {
  name: string;
  /** A word an image and a letter a run, by model. */
  words: Record<string, string[]>;
  models: Model[];
  fields: Document["fields"];
  answers: Record<Match, { headline: string; detail: string; cheapest: string | null }>;
  /** The models, best first. */
  order: string[];
  relaxed: {
    id: string;
    rank: number | null;
    tied: boolean;
    pareto: boolean;
    field_accuracy: number | null;
    consistency: number | null;
    fields: (number | null)[];
    flips: Record<string, number>;
  }[];
}
interface File {
  constants: { expected: Json; letters: Record<string, Letter> };
  cases: Case[];
}

// Vitest runs where the package is.
const { constants, cases } = JSON.parse(
  readFileSync(resolve("src/pages/report/standing.cases.json"), "utf8"),
) as File;

function documentOf({ words, models, fields }: Case): Document {
  const runs = Object.entries(words).flatMap(([model_id, images]) =>
    images.flatMap((word, image_index) =>
      [...word].map((letter, run_index) => {
        const { passed: strict, passed_relaxed: relaxed, outcome, diffs } = constants.letters[letter]!;
        return { model_id, image_index, run_index, outcome, strict, relaxed, diffs };
      }),
    ),
  );
  const images = Object.values(words)[0]!.map((_, index) => ({
    index,
    url: "",
    expected: constants.expected,
  }));
  const config = { models, images, runs_per_image: Object.values(words)[0]![0]!.length };
  return {
    status: "complete",
    config,
    totals: { jobs: runs.length },
    models,
    fields,
    runs,
  } as unknown as Document;
}

const told = (document: Document, { model, ...own }: Standing) => ({
  id: model.id,
  rank: own.rank,
  tied: own.tied,
  pareto: own.pareto,
  field_accuracy: own.fieldAccuracy,
  consistency: own.consistency,
  fields: document.fields.map(({ path }) => own.byField.get(path)),
  flips: Object.fromEntries(own.flips),
});

describe.each(cases.map((each) => [each.name, each] as const))("%s", (_, each) => {
  const document = documentOf(each);

  test("ranks, ties and all other figures by the relaxed match are the service's", () => {
    expect(standings(document, "relaxed").map((own) => told(document, own))).toEqual(each.relaxed);
  });

  test("by the strict match the order is the service's, and the same tests give its ranks", () => {
    const all = standings(document, "strict");
    expect(all.map(({ model }) => model.id)).toEqual(each.order);
    expect(all.map(({ rank, tied }) => [rank, tied])).toEqual(
      all.map(({ model }) => [model.rank, model.tied_with.length > 0]),
    );
    const ranked = all.filter(({ rank }) => rank !== null);
    const rows = ranked.map(({ model }) => {
      const own = document.runs.filter((run) => run.model_id === model.id && run.strict !== null);
      return shares(document, own, "strict");
    });
    expect(competitionRanks(rows)).toEqual(ranked.map(({ rank }) => rank));
  });

  test.each(["strict", "relaxed"] as const)("the answer by the %s match is the service's", (match) => {
    const { headline, detail, cheapest } = answerOf(document, standings(document, match), match);
    expect({
      headline,
      detail: detail.replace(RIGHT[match], RIGHT.strict),
      cheapest: cheapest?.model.id ?? null,
    }).toEqual(each.answers[match]);
  });
});
