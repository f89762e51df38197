/** How long a report still takes, from what is done of it. */
import type { ModelProgress, Report } from "$api/client";
import { hasEnded, shareDone } from "./standing";

// Before this much is done, the first answers of a few quick models would decide it all.
const TELLING_SHARE = 0.05;

const at = (time: string | null): number | null => (time === null ? null : Date.parse(time));

/** Seconds since it started, until now or its end; null before. */
export function elapsedS(report: Report, now_ms: number): number | null {
  const started = at(report.started_at);
  if (started === null) return null;
  return Math.max(0, ((at(report.completed_at) ?? now_ms) - started) / 1000);
}

/** Seconds until the deadline ends it, come what may; null without one. */
export function untilDeadlineS(report: Report, now_ms: number): number | null {
  const deadline = at(report.deadline_at);
  return deadline === null ? null : Math.max(0, (deadline - now_ms) / 1000);
}

/**
 * Expected seconds to the end; null while nobody can know.
 *
 * Models run side by side, each at its own pace, so the slowest of them decides. One that has not answered
 * yet counts as if it went at the pace of all together.
 */
export function remainingS(report: Report, now_ms: number): number | null {
  const elapsed = elapsedS(report, now_ms);
  if (report.status !== "running" || elapsed === null || shareDone(report) < TELLING_SHARE) return null;
  const overall = (elapsed * (1 - shareDone(report))) / shareDone(report);
  const slowest = Math.max(overall, ...report.models.map((model) => modelRemainingS(model, elapsed)));
  return Math.min(slowest, untilDeadlineS(report, now_ms) ?? Infinity);
}

const modelRemainingS = ({ done, total }: ModelProgress, elapsed: number): number =>
  done === 0 ? 0 : (elapsed * (total - done)) / done;

/** In steps that a reader can use: an estimate to the second would jump about. */
export function roughly(s: number): string {
  if (s < 10) return "a few seconds";
  if (s < 55) return `about ${Math.ceil(s / 10) * 10} s`;
  if (s < 90) return "about a minute";
  return `about ${Math.round(s / 60)} min`;
}

export function remainingWords(report: Report, now_ms: number): string {
  if (hasEnded(report)) return "Done";
  if (report.status === "paid") return "Not started yet";
  const remaining = remainingS(report, now_ms);
  return remaining === null ? "Estimating" : roughly(remaining);
}
