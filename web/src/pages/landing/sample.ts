export interface SampleModel {
  name: string;
  rank: number;
  isTied: boolean;
  /** Rates are 0..1. */
  rate: number;
  low: number;
  high: number;
  latencyMs: number | null;
  usdPer1000: number;
  isBestValue: boolean;
}

export interface SampleReport {
  images: number;
  runsPerImage: number;
  runs: number;
  unmeasured: number;
  spentUsd: number;
  durationS: number;
  models: SampleModel[];
}
