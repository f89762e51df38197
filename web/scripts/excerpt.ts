import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import type { SampleModel, SampleReport } from "../src/pages/landing/sample";

const ID = "virtual:sample-report";

interface Document {
  totals: { jobs: number; unmeasured: number; spent_usd: string; duration_s: number };
  config: { images: unknown[]; runs_per_image: number };
  models: {
    name: string;
    rank: number | null;
    tied_with: string[];
    strict: { pass_rate: number; ci95: [number | string, number | string] } | null;
    latency_ms: { p50: number | null };
    cost_usd: { per_1000_images: string | null };
    pareto: boolean;
  }[];
}

/** What the start page shows of the sample report: a kilobyte of a document of many. */
export function excerptOf(document: Document): SampleReport {
  return {
    images: document.config.images.length,
    runsPerImage: document.config.runs_per_image,
    runs: document.totals.jobs,
    unmeasured: document.totals.unmeasured,
    spentUsd: Number(document.totals.spent_usd),
    durationS: document.totals.duration_s,
    models: document.models.flatMap(modelOf).sort(byRank),
  };
}

function modelOf(model: Document["models"][number]): SampleModel[] {
  const { name, rank, tied_with, strict, latency_ms, cost_usd, pareto } = model;
  if (rank === null || strict === null || cost_usd.per_1000_images === null) return [];
  const [low, high] = strict.ci95.map(Number) as [number, number];
  return [
    {
      name,
      rank,
      isTied: tied_with.length > 0,
      rate: strict.pass_rate,
      low,
      high,
      latencyMs: latency_ms.p50,
      usdPer1000: Number(cost_usd.per_1000_images),
      isBestValue: pareto,
    },
  ];
}

const byRank = (a: SampleModel, b: SampleModel) =>
  a.rank - b.rank || b.rate - a.rate || a.usdPer1000 - b.usdPer1000;

export function sampleExcerpt(documentPath: string): Plugin {
  return {
    name: "sample-excerpt",
    resolveId: (id) => (id === ID ? `\0${ID}` : undefined),
    load(id) {
      if (id !== `\0${ID}`) return undefined;
      this.addWatchFile(documentPath);
      const document = JSON.parse(readFileSync(documentPath, "utf8")) as Document;
      return `export default ${JSON.stringify(excerptOf(document))};`;
    },
  };
}
