/** What a report at a glance says, in figures and words. */
import type { ModelProgress, Report } from "$api/client";
import { count } from "$lib/format";

export const hasEnded = ({ status }: Report): boolean =>
  status === "complete" || status === "partial" || status === "failed";

export const shareDone = ({ completed_jobs, total_jobs }: Report): number =>
  total_jobs === 0 ? 0 : completed_jobs / total_jobs;

/** Whole percent that reach 100 only when everything is done. */
export const percentDone = (report: Report): number => Math.floor(shareDone(report) * 100);

export interface Totals {
  passed: number;
  failed: number;
  unmeasured: number;
}

export function totals(models: ModelProgress[]): Totals {
  const sum = { passed: 0, failed: 0, unmeasured: 0 };
  for (const model of models) {
    sum.passed += model.passed;
    sum.failed += model.failed;
    sum.unmeasured += model.unmeasured;
  }
  return sum;
}

/** Where a finished report is read: at its shared address, which can be passed on, or at its owner's. */
export const reportAddress = (report: Report): string =>
  report.share_token ? `/report/${report.share_token}` : `/benchmark/${report.id}/report`;

export function queueWords(before: number | undefined): string {
  if (!before) return "Yours is next";
  return before === 1 ? "1 report is before yours" : `${before} reports are before yours`;
}

export const HEADINGS: Record<Report["status"], string> = {
  paid: "Waiting to start",
  running: "Benchmark running",
  complete: "Benchmark complete",
  partial: "Benchmark ended with gaps",
  failed: "Benchmark failed",
};

const TITLES: Record<Report["status"], (report: Report) => string> = {
  paid: () => "Waiting to start",
  running: (report) => `${percentDone(report)} % done`,
  complete: () => "Complete",
  partial: () => "Ended with gaps",
  failed: () => "Failed",
};

export const pageTitle = (report: Report | null): string =>
  report ? `${TITLES[report.status](report)} - Benchmark - ModelPick` : "Benchmark - ModelPick";

/** A model's counts as one would say them; what is zero is not worth a word. */
export function countsInWords({ passed, failed, unmeasured }: Totals): string {
  const parts = [`${passed} passed`, `${failed} failed`];
  if (unmeasured > 0) parts.push(`${unmeasured} unmeasured`);
  return parts.join(", ");
}

export const scope = (report: Report): string =>
  `${count(report.models.length, "model")}, ${count(report.total_jobs, "run")}`;
