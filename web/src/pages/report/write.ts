/** How a report writes its figures: as the reports service does, so that nothing changes when scripts start. */
import type { Bounds } from "./types";

export const NONE = "–";
type Maybe<T> = T | null | undefined;

/** With so many places; halves go to the even neighbour, as where the service writes the same figure. */
function fixed(value: number, places: number): string {
  const scaled = value * 10 ** places;
  const isHalf = scaled - Math.floor(scaled) === 0.5;
  return isHalf ? (2 * Math.round(scaled / 2) * 10 ** -places).toFixed(places) : value.toFixed(places);
}

/** A rate in per cent; what is not quite 0 or 100 % is not written so. */
export function percent(rate: Maybe<number>, places = 1): string {
  if (rate == null) return NONE;
  const step = 10 ** -places;
  const shown = rate > 0 && rate < 1 ? Math.min(Math.max(100 * rate, step), 100 - step) : 100 * rate;
  return `${fixed(shown, places)} %`;
}

export const interval = (ci95: Maybe<Bounds>): string =>
  ci95 ? `${fixed(100 * ci95[0], 0)}–${fixed(100 * ci95[1], 0)} %` : NONE;

export const seconds = (ms: Maybe<number>): string =>
  ms == null ? NONE : `${(ms / 1000).toFixed(ms < 99_950 ? 1 : 0)} s`;

/** What 1,000 images cost: to the cent below 100 dollars, in dollars above. */
export function price(amount: Maybe<string | number>): string {
  if (amount == null) return NONE;
  const value = Number(amount);
  if (value === 0) return "free";
  if (value < 0.01) return "< $0.01";
  const places = value < 100 ? 2 : 0;
  return `$${Number(fixed(value, places)).toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

/** The cost of a single call, which is often far below a cent. */
export const fineUsd = (amount: Maybe<string | number>): string =>
  amount == null ? NONE : `$${Number(amount).toFixed(5)}`;

export const words = (name: string): string => name.replaceAll("_", " ");

/** "a, b and c" */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
