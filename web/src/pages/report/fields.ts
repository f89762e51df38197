/** Which fields of the expected JSON an answer got right, as the report document counts them. */
import { grouped } from "./grouping";
import type { Diff, Json, Match, Run } from "./types";

const PLAIN_KEY = /^[^.[\]"]+$/;

/** A place as differences spell it: `line_items[2].price`, `totals["incl. tax"]`. */
export function keyPath(parent: string, key: string): string {
  if (!PLAIN_KEY.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent ? `${parent}.${key}` : key;
}

const isInside = (path: string, container: string): boolean =>
  path !== container && (!container || path.startsWith(`${container}.`) || path.startsWith(`${container}[`));

/** The leaf fields of one expected value: its scalars, and its empty objects and arrays. */
export class LeafFields {
  /** The generalised path of each leaf: `line_items[].price`. */
  readonly general: string[] = [];
  readonly #below = new Map<string, number[]>();
  readonly #empty = new Map<string, number>();

  constructor(expected: Json) {
    this.#add(expected, [""], "");
  }

  /** The leaves that a measured run got wrong under a match. */
  missed(run: Run, match: Match): Set<number> {
    if (run.outcome === "passed" || (match === "relaxed" && run.relaxed)) return new Set();
    if (run.outcome !== "wrong") return new Set(this.general.keys());
    const forgiven = match === "relaxed" ? "relaxed" : undefined;
    const counted = run.diffs.filter((diff) => !forgiven || diff.rescued_by !== forgiven);
    return new Set(counted.flatMap((diff) => this.#hitBy(diff)));
  }

  #hitBy(diff: Diff): number[] {
    if (diff.kind === "extra")
      return [...this.#empty].filter(([path]) => isInside(diff.path, path)).map(([, number]) => number);
    return diff.rescued_by === "array_order" ? [] : (this.#below.get(diff.path) ?? []);
  }

  #add(value: Json, chain: readonly string[], general: string): void {
    const path = chain.at(-1)!;
    const children = childrenOf(value, path, general);
    for (const child of children) this.#add(child.value, [...chain, child.path], child.general);
    if (children.length) return;
    const number = this.general.push(general) - 1;
    for (const each of chain) this.#below.set(each, [...(this.#below.get(each) ?? []), number]);
    if (value !== null && typeof value === "object") this.#empty.set(path, number);
  }
}

interface Child {
  value: Json;
  path: string;
  general: string;
}

function childrenOf(value: Json, path: string, general: string): Child[] {
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value))
    return value.map((child, index) => ({
      value: child,
      path: `${path}[${index}]`,
      general: `${general}[]`,
    }));
  return Object.entries(value).map(([key, child]) => ({
    value: child,
    path: keyPath(path, key),
    general: keyPath(general, key),
  }));
}

export class Tally {
  right = 0;
  total = 0;

  get accuracy(): number | null {
    return this.total ? this.right / this.total : null;
  }
}

/** Right and all leaves by generalised path over runs, as micro-averages. */
export function tallyByPath(
  runs: readonly Run[],
  leaves: readonly LeafFields[],
  match: Match,
): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const run of runs) {
    const image = leaves[run.image_index];
    if (!image) continue;
    const missed = image.missed(run, match);
    image.general.forEach((path, number) => {
      let tally = tallies.get(path);
      if (!tally) tallies.set(path, (tally = new Tally()));
      tally.total += 1;
      if (!missed.has(number)) tally.right += 1;
    });
  }
  return tallies;
}

/** The share of images on which a model's runs disagree on a field, by generalised path, most often first. */
export function flips(runs: readonly Run[], leaves: readonly LeafFields[], match: Match): [string, number][] {
  const images = new Map<string, number>();
  const flipped = new Map<string, number>();
  for (const own of grouped(runs, (run) => run.image_index).values()) {
    if (own.length < 2) continue;
    const tallies = own.map((run) => tallyByPath([run], leaves, match));
    for (const path of tallies[0]!.keys()) {
      images.set(path, (images.get(path) ?? 0) + 1);
      const counts = new Set(tallies.map((tally) => tally.get(path)?.right));
      if (counts.size > 1) flipped.set(path, (flipped.get(path) ?? 0) + 1);
    }
  }
  return [...flipped]
    .map(([path, count]): [string, number] => [path, count / images.get(path)!])
    .sort((one, other) => other[1] - one[1]);
}
