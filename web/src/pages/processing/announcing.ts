/** When to say something to those who listen instead of look: at turns and quarters, not at each event. */
import type { Report } from "$api/client";
import { HEADINGS, hasEnded, percentDone, queueWords } from "./standing";

const QUARTER_PERCENT = 25;
// Quarters of a quick report would talk over each other.
export const QUIET_MS = 8_000;

const ENDS: Partial<Record<Report["status"], string>> = {
  complete: "The report is ready.",
  partial: "The report is ready, with gaps.",
  // An alert tells it.
  failed: "",
};

export interface Said {
  status: Report["status"];
  before: number | undefined;
  quarter: number;
  at_ms: number;
}

export const quarterOf = (report: Report): number => Math.floor(percentDone(report) / QUARTER_PERCENT);

export const noted = (report: Report, now_ms: number): Said => ({
  status: report.status,
  before: report.queue_position,
  quarter: quarterOf(report),
  at_ms: now_ms,
});

/** What to say now, or null. */
export function announcement(said: Said | null, report: Report, now_ms: number): string | null {
  if (hasEnded(report)) return said?.status === report.status ? null : ENDS[report.status]!;
  if (said?.status !== report.status) return `${HEADINGS[report.status]}. ${detail(report)}.`;
  if (now_ms - said.at_ms < QUIET_MS) return null;
  if (report.status === "paid") {
    return report.queue_position === said.before ? null : `${queueWords(report.queue_position)}.`;
  }
  return quarterOf(report) > said.quarter ? `${detail(report)}.` : null;
}

const detail = (report: Report): string =>
  report.status === "paid"
    ? queueWords(report.queue_position)
    : `${report.completed_jobs} of ${report.total_jobs} runs done`;
