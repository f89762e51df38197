/** Reports for tests. */
import type { ModelProgress, Report } from "$api/client";

const RUNS = 30;
export const STARTED_MS = Date.parse("2026-03-14T12:00:00Z");

export function model(id: string, counts: Partial<ModelProgress> = {}): ModelProgress {
  const { passed = 0, failed = 0, unmeasured = 0 } = counts;
  return { id, total: RUNS, done: passed + failed + unmeasured, passed, failed, unmeasured };
}

export const report = (parts: Partial<Report> = {}): Report => ({
  id: "019a",
  status: "running",
  total_jobs: 60,
  completed_jobs: 0,
  spent_usd: "0.12",
  models: [model("a"), model("b")],
  created_at: "2026-03-14T11:59:50Z",
  started_at: new Date(STARTED_MS).toISOString(),
  completed_at: null,
  deadline_at: null,
  refunded: false,
  ...parts,
});
