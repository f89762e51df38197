/** What a row says about a report or a draft. */
import type { Draft, Report } from "$api/client";
import { count } from "$lib/format";

export interface Badge {
  words: string;
  tone: "good" | "bad" | "warn" | "unknown";
}

const BADGES: Record<Report["status"], Badge> = {
  paid: { words: "Waiting", tone: "unknown" },
  running: { words: "Running", tone: "warn" },
  complete: { words: "Complete", tone: "good" },
  partial: { words: "With gaps", tone: "warn" },
  failed: { words: "Failed", tone: "bad" },
};

export const badge = (report: Report): Badge => BADGES[report.status];

export function outcome(report: Report): string {
  const unmeasured = report.models.reduce((sum, model) => sum + model.unmeasured, 0);
  switch (report.status) {
    case "paid":
      return waiting(report.queue_position ?? 0);
    case "running":
      return `${report.completed_jobs} of ${count(report.total_jobs, "run")} done`;
    case "complete":
      return `All ${count(report.total_jobs, "run")} measured`;
    case "partial":
      return `${unmeasured} of ${count(report.total_jobs, "run")} could not be measured`;
    case "failed":
      return report.refunded
        ? "Nothing measured; your payment is on its way back"
        : "Nothing could be measured";
  }
}

const waiting = (before: number): string =>
  before === 0 ? "Starts next" : `${count(before, "report")} before yours`;

const SHOWN = 3;

/** The first few models by name, and how many more. */
export function modelsInWords(model_ids: string[], names: ReadonlyMap<string, string>): string {
  const shown = model_ids.slice(0, SHOWN).map((id) => names.get(id) ?? id);
  const more = model_ids.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

export const draftName = (draft: Draft): string => draft.name.trim() || "Untitled benchmark";

export function draftContents(draft: Draft): string {
  if (draft.images.length === 0 && draft.selected_models.length === 0) return "Nothing in it yet";
  return `${count(draft.images.length, "image")}, ${count(draft.selected_models.length, "model")}`;
}

export const continueAddress = (draft: Draft): string => `/benchmark/new?draft=${draft.id}`;
