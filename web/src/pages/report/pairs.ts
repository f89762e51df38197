/** Two models side by side on the same images. */
import type { Standing } from "./standing";
import type { Document, Match, Run } from "./types";

export type Verdict = "both" | "first" | "second" | "neither" | "unknown";

export interface ImagePair {
  index: number;
  /** Right of measured runs. */
  first: [number, number];
  second: [number, number];
  verdict: Verdict;
}

export interface FieldPair {
  path: string;
  first: number;
  second: number;
}

/** Image by image: a model has an image right when more than half of its measured runs are. */
export function imagePairs(document: Document, first: string, second: string, match: Match): ImagePair[] {
  const of = (id: string) => document.runs.filter((run) => run.model_id === id && run.strict !== null);
  const [ours, theirs] = [of(first), of(second)];
  return document.config.images.map((_, index) => {
    const one = score(ours, index, match);
    const other = score(theirs, index, match);
    return { index, first: one, second: other, verdict: verdictOf(one, other) };
  });
}

function score(runs: readonly Run[], index: number, match: Match): [number, number] {
  const own = runs.filter((run) => run.image_index === index);
  return [own.filter((run) => run[match]).length, own.length];
}

function verdictOf(one: [number, number], other: [number, number]): Verdict {
  if (!one[1] || !other[1]) return "unknown";
  const right = ([passed, measured]: [number, number]) => 2 * passed > measured;
  if (right(one)) return right(other) ? "both" : "first";
  return right(other) ? "second" : "neither";
}

/** The fields that one reads better than the other, the widest gap first. */
export function fieldPairs(first: Standing, second: Standing): FieldPair[] {
  return [...first.byField]
    .flatMap(([path, mine]): FieldPair[] => {
      const theirs = second.byField.get(path) ?? null;
      return mine === null || theirs === null || mine === theirs
        ? []
        : [{ path, first: mine, second: theirs }];
    })
    .sort((one, other) => Math.abs(other.first - other.second) - Math.abs(one.first - one.second));
}
