import type { CatalogModel } from "$api/client";

export const TIERS = ["premium", "mid", "budget", "free"] as const;
export type Sort = "name" | "provider" | "tier" | "input" | "output" | "context";
export type Direction = "ascending" | "descending";

export interface Filter {
  words: string;
  tier: string;
  provider: string;
}

// Input and output of a typical call: an image and a prompt in, a receipt's JSON out.
const TYPICAL_INPUT_TOKENS = 1500;
const TYPICAL_OUTPUT_TOKENS = 500;
const CHEAPEST = 6;

export const isFree = (model: CatalogModel): boolean => model.tier === "free" || model.id.endsWith(":free");

/** What a typical call costs, in millionths of a dollar: to compare models, not to be shown. */
const typicalPrice = (model: CatalogModel): number =>
  TYPICAL_INPUT_TOKENS * Number(model.input_usd_per_1m) +
  TYPICAL_OUTPUT_TOKENS * Number(model.output_usd_per_1m);

export interface Preset {
  id: string;
  title: string;
  hint: string;
  pick(models: readonly CatalogModel[]): CatalogModel[];
}

export const PRESETS: Preset[] = [
  {
    id: "best",
    title: "Best",
    hint: "All models of the premium tier",
    pick: (models) => models.filter(({ tier }) => tier === "premium"),
  },
  {
    id: "cheapest",
    title: "Cheapest",
    hint: `The ${CHEAPEST} paid models with the lowest price of a typical call`,
    pick: (models) =>
      models
        .filter((model) => !isFree(model))
        .sort((one, other) => typicalPrice(one) - typicalPrice(other))
        .slice(0, CHEAPEST),
  },
  {
    id: "providers",
    title: "One a provider",
    hint: "The highest paid tier that each provider has",
    pick: onePerProvider,
  },
  { id: "all", title: "All", hint: "Every model on offer", pick: (models) => [...models] },
];

function onePerProvider(models: readonly CatalogModel[]): CatalogModel[] {
  const first = new Map<string, CatalogModel>();
  for (const model of ranked(models)) if (!first.has(model.provider)) first.set(model.provider, model);
  return [...first.values()];
}

const tierRank = ({ tier }: CatalogModel): number => TIERS.findIndex((each) => each === tier);

/** The catalogue's order within a tier is kept. */
const ranked = (models: readonly CatalogModel[]): CatalogModel[] =>
  [...models].sort((one, other) => tierRank(one) - tierRank(other));

export function filtered(models: readonly CatalogModel[], filter: Filter): CatalogModel[] {
  const words = filter.words.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => {
    const text = `${model.name} ${model.id} ${model.provider} ${model.tier}`.toLowerCase();
    const isInTier = !filter.tier || model.tier === filter.tier;
    const isOfProvider = !filter.provider || model.provider === filter.provider;
    return isInTier && isOfProvider && words.every((word) => text.includes(word));
  });
}

const KEYS: Record<Sort, (model: CatalogModel) => string | number> = {
  name: ({ name }) => name,
  provider: ({ provider }) => provider,
  tier: tierRank,
  input: (model) => Number(model.input_usd_per_1m),
  output: (model) => Number(model.output_usd_per_1m),
  context: (model) => model.context_length,
};

export function sorted(models: readonly CatalogModel[], by: Sort, direction: Direction): CatalogModel[] {
  const sign = direction === "ascending" ? 1 : -1;
  return [...models].sort((one, other) => sign * compare(KEYS[by](one), KEYS[by](other)));
}

function compare(one: string | number, other: string | number): number {
  return typeof one === "string" ? one.localeCompare(String(other), "en") : one - Number(other);
}

export const providersOf = (models: readonly CatalogModel[]): string[] =>
  [...new Set(models.map(({ provider }) => provider))].sort((one, other) => one.localeCompare(other, "en"));

/** 1048576 tokens are "1.05M". */
export const tokens = (count: number): string =>
  count >= 1_000_000 ? `${Number((count / 1e6).toFixed(2))}M` : `${Math.round(count / 1000)}k`;

export const perMillion = (price: string): string =>
  Number(price) === 0 ? "free" : `$${Number(price).toFixed(2)}`;
