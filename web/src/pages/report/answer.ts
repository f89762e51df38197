/** The answer that a report gives, in a headline and a sentence: for strict word for word the service's own. */
import { legible, shortened } from "./legible";
import type { Standing } from "./standing";
import type { Document, Match } from "./types";
import { interval, percent, price } from "./write";

export interface Answer {
  headline: string;
  detail: string;
  leaders: Standing[];
  /** The cheapest of the leaders that are about as accurate as the first. */
  cheapest: Standing | null;
}

const CLOSE = 0.1;
const NAME_LETTERS = 44;
const SHOWN_LETTERS = 72;
export const RIGHT: Record<Match, string> = {
  strict: "exactly right",
  relaxed: "right by the relaxed match",
};

export const nameOf = ({ model }: Standing): string =>
  shortened(legible(model.name) || legible(model.id), SHOWN_LETTERS);
const short = (standing: Standing): string => shortened(nameOf(standing), NAME_LETTERS);

export function answerOf(document: Document, all: readonly Standing[], match: Match): Answer {
  const leaders = document.status === "failed" ? [] : all.filter(({ leads }) => leads);
  const cheapest = cheapestOf(leaders);
  if (document.status === "paid" || document.status === "failed" || !leaders[0]?.rate) {
    return { ...noAnswer(document, all, leaders.length > 0), leaders, cheapest };
  }
  const headline = headlineOf(leaders.map(short), document.models.length);
  return {
    headline: document.status === "running" ? `${headline}, so far` : headline,
    detail: detailOf(leaders, match) + cheaper(leaders, cheapest),
    leaders,
    cheapest,
  };
}

function noAnswer(
  document: Document,
  all: readonly Standing[],
  ranked: boolean,
): { headline: string; detail: string } {
  const jobs = document.totals.jobs.toLocaleString("en-US");
  if (document.status === "paid")
    return { headline: "This report has not started yet", detail: `${jobs} runs are planned.` };
  if (document.status === "failed")
    return {
      headline: "Nothing could be measured",
      detail: `None of the ${jobs} runs gave an answer that can be judged.`,
    };
  if (ranked) return { headline: "No model read a document exactly right", detail: byField(all) };
  return {
    headline: document.status === "running" ? "No model can be ranked yet" : "No model can be ranked",
    detail:
      document.status === "running"
        ? "A model is ranked once half of its runs are measured."
        : "Fewer than half of the runs of every model could be measured.",
  };
}

function byField(all: readonly Standing[]): string {
  const best = all.filter(({ fieldAccuracy }) => fieldAccuracy).sort(higherThenLaterName)[0];
  if (!best) return "No field was read right either.";
  return `Field by field, ${short(best)} comes closest: ${percent(best.fieldAccuracy)} of its fields are right.`;
}

const higherThenLaterName = (one: Standing, other: Standing): number =>
  other.fieldAccuracy! - one.fieldAccuracy! || (short(one) < short(other) ? 1 : -1);

function headlineOf(names: readonly string[], models: number): string {
  if (models === 1) return `How well ${names[0]} reads these documents`;
  if (names.length === 1) return `${names[0]} reads these documents best`;
  if (names.length === 2) return `${names[0]} and ${names[1]} share first place`;
  return `${names[0]} and ${names.length - 1} more share first place`;
}

function detailOf(leaders: readonly Standing[], match: Match): string {
  const first = leaders[0]!;
  const share = first.ci95
    ? `${percent(first.rate)} (95 % interval ${interval(first.ci95)})`
    : percent(first.rate);
  if (leaders.length === 1) return `${share} of its answers are ${RIGHT[match]}.`;
  const owner = leaders.every(({ rate }) => rate === first.rate)
    ? "their answers are"
    : `the answers of ${short(first)} are`;
  return `${share} of ${owner} ${RIGHT[match]}; these images cannot tell the ${leaders.length} apart.`;
}

function cheapestOf(leaders: readonly Standing[]): Standing | null {
  const close = leaders.filter(({ rate }) => (rate ?? 0) >= (leaders[0]!.rate ?? 0) - CLOSE);
  if (close.some(({ per1000Usd }) => per1000Usd === null)) return null;
  return close.reduce<Standing | null>(
    (best, each) => (best && best.per1000Usd! <= each.per1000Usd! ? best : each),
    null,
  );
}

function cheaper(leaders: readonly Standing[], cheapest: Standing | null): string {
  if (!cheapest || cheapest === leaders[0]) return "";
  const cost = cheapest.per1000Usd === 0 ? "is free" : `costs ${price(cheapest.per1000Usd)} for 1,000 images`;
  return ` ${short(cheapest)}, at ${percent(cheapest.rate)}, ${cost}.`;
}
