import offer from "./offer.json" with { type: "json" };

// What a report costs and holds where no service is asked; a test holds it to the services' own defaults.
const TIMES = ["never", "once", "twice", "three times", "four times", "five times"];
const NUMBERS = ["none", "one", "two", "three", "four", "five"];

export const PRICE = `$${offer.price_usd}`;
export const COST_CEILING = `$${offer.cost_ceiling_usd}`;
export const RUNS_PER_IMAGE = offer.runs_per_image;
export const MOST_IMAGES = 10;
export const MOST_MODELS = 24;
export const MOST_CALLS = MOST_IMAGES * MOST_MODELS * RUNS_PER_IMAGE;

/** How often, in words: "three times". */
export const times = (n: number): string => TIMES[n] ?? `${n} times`;

/** A small number in words: "three". */
export const inWords = (n: number): string => NUMBERS[n] ?? `${n}`;
