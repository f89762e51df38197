/** The columns of the ranking, and its rows in the order of one of them. */
import { nameOf } from "./answer";
import type { Standing } from "./standing";

export type Direction = "ascending" | "descending";

export interface Column {
  id: string;
  label: string;
  figure: boolean;
  /** The order that a reader wants first. */
  first: Direction;
  value: (standing: Standing) => number | string | null;
}

const figure = (
  id: string,
  label: string,
  first: Direction,
  value: (standing: Standing) => number | null,
): Column => ({ id, label, figure: true, first, value });

export const COLUMNS: readonly Column[] = [
  figure("rank", "Rank", "ascending", ({ rank }) => rank),
  { id: "model", label: "Model", figure: false, first: "ascending", value: (standing) => nameOf(standing) },
  figure("right", "Right", "descending", ({ rate }) => rate),
  {
    ...figure("interval", "95 % interval", "descending", ({ ci95 }) => ci95?.[0] ?? null),
    figure: false,
  },
  figure("fields", "Fields right", "descending", ({ fieldAccuracy }) => fieldAccuracy),
  figure("consistent", "Consistent", "descending", ({ consistency }) => consistency),
  figure("time", "Median time", "ascending", ({ model }) => model.latency_ms.p50),
  figure("cost", "Cost of 1,000", "ascending", ({ per1000Usd }) => per1000Usd),
  figure("measured", "Measured", "descending", ({ measured }) => measured),
  figure("unmeasured", "Unmeasured", "descending", ({ unmeasured }) => unmeasured),
];

/** Sorted by a column; equal ones keep their order, and what does not exist comes last either way. */
export function sorted(all: readonly Standing[], column: Column, direction: Direction): Standing[] {
  const sign = direction === "ascending" ? 1 : -1;
  return [...all].sort((one, other) => {
    const mine = column.value(one);
    const theirs = column.value(other);
    if (mine === null || theirs === null) return Number(mine === null) - Number(theirs === null);
    if (typeof mine === "string") return sign * mine.localeCompare(String(theirs), "en");
    return sign * (mine - Number(theirs));
  });
}
