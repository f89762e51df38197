/** How figures are written, everywhere alike. Null and undefined are figures that do not exist. */
const NONE = "–";
type Maybe<T> = T | null | undefined;

export const percent = (rate: Maybe<number>): string => (rate == null ? NONE : `${Math.round(rate * 100)} %`);

export const interval = (bounds: Maybe<readonly (number | string)[]>): string =>
  bounds == null ? NONE : `${Math.round(Number(bounds[0]) * 100)}–${Math.round(Number(bounds[1]) * 100)} %`;

export const seconds = (ms: Maybe<number>): string =>
  ms == null ? NONE : `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;

/** Dollars from the API's decimal string: cents, and for less than a cent what is there to see. */
export function usd(amount: Maybe<string | number>): string {
  if (amount == null) return NONE;
  const value = Number(amount);
  if (value === 0) return "$0";
  if (value < 0.01) return `$${value.toPrecision(2)}`;
  return `$${value.toFixed(2)}`;
}

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`;

export function duration(s: Maybe<number>): string {
  if (s == null) return NONE;
  const whole = Math.max(0, Math.round(s));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export const moment = (time: Maybe<string>): string =>
  time == null
    ? NONE
    : new Date(time).toLocaleString("en-GB", {
        day: "numeric",
        month: "short",
        year: "numeric",
        hour: "2-digit",
        minute: "2-digit",
      });
