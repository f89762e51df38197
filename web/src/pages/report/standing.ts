/** What a report says of each model when its answers are judged by one of the two matches. */
import { flips, LeafFields, tallyByPath, type Tally } from "./fields";
import { grouped } from "./grouping";
import { competitionRanks, type Shares } from "./ranks";
import type { Bounds, Document, Json, Match, Model, Run } from "./types";

export interface Standing {
  model: Model;
  rate: number | null;
  ci95: Bounds | null;
  rank: number | null;
  /** Whether other models have the same rank. */
  tied: boolean;
  leads: boolean;
  fieldAccuracy: number | null;
  /** The share of images on which all runs agree. */
  consistency: number | null;
  byField: Map<string, number | null>;
  flips: [string, number][];
  /** False where the document leaves out differences of runs with very many: then fields cannot be counted here. */
  hasAllDiffs: boolean;
  per1000Usd: number | null;
  pareto: boolean;
  measured: number;
  unmeasured: number;
}

/** All models, best first and the unranked last. */
export function standings(document: Document, match: Match): Standing[] {
  const leaves = document.config.images.map((image) => new LeafFields(image.expected as Json));
  const runs = grouped(
    document.runs.filter((run) => run.strict !== null),
    (run) => run.model_id,
  );
  const all = document.models.map((model) =>
    unranked(document, model, runs.get(model.id) ?? [], leaves, match),
  );
  return placed(document, all, runs, match);
}

function unranked(
  document: Document,
  model: Model,
  runs: readonly Run[],
  leaves: readonly LeafFields[],
  match: Match,
): Standing {
  const strict = match === "strict";
  const hasAllDiffs = overall(tallyByPath(runs, leaves, "strict").values()) === model.field_accuracy;
  const tallies = strict ? null : hasAllDiffs ? tallyByPath(runs, leaves, match) : new Map<string, Tally>();
  const own = model[match];
  const cost = model.cost_usd.per_1000_images;
  return {
    model,
    rate: own.pass_rate,
    ci95: own.ci95 ?? null,
    rank: null,
    tied: false,
    leads: false,
    fieldAccuracy: tallies ? overall(tallies.values()) : model.field_accuracy,
    consistency: strict ? model.consistency : consistency(runs, match),
    byField: new Map(
      document.fields.map(({ path, by_model }) => [
        path,
        tallies ? (tallies.get(path)?.accuracy ?? null) : (by_model[model.id] ?? null),
      ]),
    ),
    flips: hasAllDiffs ? flips(runs, leaves, match) : [],
    hasAllDiffs,
    per1000Usd: cost === null ? null : Number(cost),
    pareto: model.pareto,
    measured: runs.length,
    unmeasured: model.outcomes.unmeasured,
  };
}

function overall(tallies: Iterable<{ right: number; total: number }>): number | null {
  let right = 0;
  let total = 0;
  for (const tally of tallies) {
    right += tally.right;
    total += tally.total;
  }
  return total ? right / total : null;
}

function consistency(runs: readonly Run[], match: Match): number | null {
  const images = [...grouped(runs, (run) => run.image_index).values()].filter((own) => own.length > 1);
  const agreeing = images.filter((own) => new Set(own.map((run) => run[match])).size === 1);
  return images.length ? agreeing.length / images.length : null;
}

function placed(document: Document, all: Standing[], runs: Map<string, Run[]>, match: Match): Standing[] {
  const ranked = all.filter(({ model }) => model.rank !== null).sort(bestFirst(match));
  const ranks =
    match === "strict"
      ? ranked.map(({ model }) => model.rank!)
      : competitionRanks(ranked.map(({ model }) => shares(document, runs.get(model.id) ?? [], match)));
  ranked.forEach((standing, index) => {
    standing.rank = ranks[index]!;
    standing.leads = standing.rank === 1;
    standing.tied =
      match === "strict"
        ? standing.model.tied_with.length > 0
        : ranks.filter((rank) => rank === standing.rank).length > 1;
    if (match === "relaxed") standing.pareto = isPareto(standing, ranked);
  });
  return [...ranked, ...all.filter(({ model }) => model.rank === null).sort(bestFirst(match))];
}

/** The pass rate of every image; null for one without a measured run. */
export function shares(document: Document, runs: readonly Run[], match: Match): Shares {
  return document.config.images.map((_, index) => {
    const own = runs.filter((run) => run.image_index === index);
    return own.length ? own.filter((run) => run[match]).length / own.length : null;
  });
}

function bestFirst(match: Match): (one: Standing, other: Standing) => number {
  const second: Match = match === "strict" ? "relaxed" : "strict";
  const key = ({ model, rate, fieldAccuracy, per1000Usd }: Standing): number[] => [
    match === "strict" ? (model.rank ?? 0) : 0,
    -(rate ?? 0),
    -(model[second].pass_rate ?? 0),
    -(fieldAccuracy ?? model.field_accuracy ?? 0),
    per1000Usd ?? Infinity,
  ];
  return (one, other) => {
    const mine = key(one);
    const theirs = key(other);
    const first = mine.findIndex((value, index) => value !== theirs[index]);
    return first < 0 ? 0 : mine[first]! - theirs[first]!;
  };
}

function isPareto(own: Standing, others: readonly Standing[]): boolean {
  if (own.per1000Usd === null) return false;
  return !others.some(
    (other) =>
      other.per1000Usd !== null &&
      (other.rate ?? 0) >= (own.rate ?? 0) &&
      other.per1000Usd <= own.per1000Usd! &&
      (other.rate !== own.rate || other.per1000Usd !== own.per1000Usd),
  );
}
