import { expect, it } from "vitest";
import type { CatalogModel } from "$api/client";
import { filtered, perMillion, PRESETS, providersOf, sorted, tokens } from "./catalogue";

const model = (id: string, provider: string, tier: string, price: string): CatalogModel => ({
  id,
  name: id.toUpperCase(),
  provider,
  tier,
  input_usd_per_1m: price,
  output_usd_per_1m: String(Number(price) * 5),
  context_length: 1000,
  supports: [],
});

const MODELS = [
  model("small", "Acme", "budget", "0.1"),
  model("large", "Acme", "premium", "5"),
  model("other", "Beta", "mid", "1"),
  model("gift:free", "Beta", "free", "0"),
];
const picked = (preset: string) =>
  PRESETS.find(({ id }) => id === preset)
    ?.pick(MODELS)
    .map(({ id }) => id);

it("presets pick what they say", () => {
  expect(picked("best")).toEqual(["large"]);
  expect(picked("cheapest")).toEqual(["small", "other", "large"]);
  expect(picked("providers")).toEqual(["large", "other"]);
  expect(picked("all")).toHaveLength(4);
});

it("finds every word anywhere, within the filters", () => {
  const found = (words: string, tier = "", provider = "") =>
    filtered(MODELS, { words, tier, provider }).map(({ id }) => id);
  expect(found("acme small")).toEqual(["small"]);
  expect(found("", "mid")).toEqual(["other"]);
  expect(found("o", "", "Beta")).toEqual(["other"]);
  expect(found("nothing")).toEqual([]);
});

it("sorts tiers by rank and prices as numbers, and leaves the catalogue as it is", () => {
  const ids = (models: CatalogModel[]) => models.map(({ id }) => id);
  expect(ids(sorted(MODELS, "tier", "ascending"))).toEqual(["large", "other", "small", "gift:free"]);
  expect(ids(sorted(MODELS, "input", "descending"))).toEqual(["large", "other", "small", "gift:free"]);
  expect(MODELS[0]?.id).toBe("small");
  expect(providersOf(MODELS)).toEqual(["Acme", "Beta"]);
});

it("writes figures shortly", () => {
  expect([tokens(1_048_576), tokens(200_000), perMillion("0.1"), perMillion("0")]).toEqual([
    "1.05M",
    "200k",
    "$0.10",
    "free",
  ]);
});
