/** What happened between two looks at a report, as lines for a short log. */
import type { ModelProgress, Report } from "$api/client";
import { count } from "$lib/format";
import { countsInWords, hasEnded, percentDone, queueWords } from "./standing";

export type Tone = "plain" | "good" | "bad" | "unknown";

export interface Change {
  tone: Tone;
  text: string;
}

type NameOf = (model_id: string) => string;

const ENDS: Record<string, Change> = {
  complete: { tone: "good", text: "Every run is measured. The report is ready." },
  partial: { tone: "unknown", text: "The benchmark ended. Some runs could not be measured." },
  failed: { tone: "bad", text: "The benchmark ended without a single measured run." },
};

/** The changes in the order in which they are told; of a first look, where things stand. */
export function changes(before: Report | null, after: Report, nameOf: NameOf): Change[] {
  if (!before) return hasEnded(after) ? [] : [{ tone: "plain", text: firstLook(after) }];
  const models = after.models.flatMap((model) =>
    ofModel(
      before.models.find(({ id }) => id === model.id),
      model,
      nameOf(model.id),
    ),
  );
  return [...ofQueue(before, after), ...models, ...ofEnd(before, after)];
}

function firstLook(report: Report): string {
  if (report.status === "paid") return `Paid. ${queueWords(report.queue_position)}.`;
  return `You joined at ${percentDone(report)} %.`;
}

function ofQueue(before: Report, after: Report): Change[] {
  if (before.status === "paid" && after.status !== "paid") {
    return [{ tone: "plain", text: `Started: ${count(after.models.length, "model")} side by side.` }];
  }
  if (after.status === "paid" && before.queue_position !== after.queue_position) {
    return [{ tone: "plain", text: `${queueWords(after.queue_position)}.` }];
  }
  return [];
}

function ofModel(before: ModelProgress | undefined, after: ModelProgress, name: string): Change[] {
  const found: Change[] = [];
  if (isFirst(before?.failed, after.failed)) {
    found.push({ tone: "bad", text: `${name}: first answer that does not match.` });
  }
  if (isFirst(before?.unmeasured, after.unmeasured)) {
    found.push({ tone: "unknown", text: `${name}: first run that could not be measured.` });
  }
  if (after.total > 0 && after.done === after.total && (before?.done ?? 0) < after.total) {
    const tone = after.passed > 0 ? "good" : "plain";
    found.push({ tone, text: `${name} has finished: ${countsInWords(after)}.` });
  }
  return found;
}

const isFirst = (before: number | undefined, after: number): boolean => !before && after > 0;

function ofEnd(before: Report, after: Report): Change[] {
  return hasEnded(after) && !hasEnded(before) ? [ENDS[after.status]!] : [];
}
