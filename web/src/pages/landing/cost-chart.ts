import type { SampleModel } from "./sample";

/** Places are in percent of the drawing, so that its text keeps its size on every screen. */
const LEFT = 13;
const RIGHT = 96;
const TOP = 10;
const BOTTOM = 82;
const percent = (part: number) => `${part.toFixed(2)}%`;

/** The root spreads the cheap models out, and unlike a logarithm has room for the free ones. */
const across = (usd: number, most: number) => LEFT + Math.sqrt(usd / most) * (RIGHT - LEFT);
const down = (rate: number) => BOTTOM - rate * (BOTTOM - TOP);

export const toX = (usd: number, most: number) => percent(across(usd, most));
export const toY = (rate: number) => percent(down(rate));

export const ticks = (most: number): number[] => [0, 1, 5, 10, 20, 50, 100, 200].filter((usd) => usd <= most);

export interface Labelled {
  model: SampleModel;
  x: string;
  y: string;
  anchor: "start" | "middle" | "end";
  dx: number;
  dy: number;
}

/** Every model with its name beside it: names that would run into one another go to opposite sides. */
export function labelled(models: readonly SampleModel[], most: number): Labelled[] {
  const inOrder = [...models].sort((a, b) => a.usdPer1000 - b.usdPer1000);
  const placed: { x: number; y: number; isBelow: boolean }[] = [];
  return inOrder.map((model) => {
    const [x, y] = [across(model.usdPer1000, most), down(model.rate)];
    const neighbour = placed.findLast((each) => x - each.x < 75 && Math.abs(y - each.y) < 9);
    // Below the lower points there is room, and the line of the best values rises from them.
    const isBelow = neighbour ? !neighbour.isBelow : model.rate < 0.5;
    placed.push({ x, y, isBelow });
    return { model, x: percent(x), y: percent(y), ...side(x), dy: isBelow ? 24 : -13 };
  });
}

function side(x: number): Pick<Labelled, "anchor" | "dx"> {
  if (x > 75) return { anchor: "end", dx: 6 };
  if (x < 35) return { anchor: "start", dx: -6 };
  return { anchor: "middle", dx: 0 };
}

export interface Segment {
  x1: string;
  y1: string;
  x2: string;
  y2: string;
}

/** The line through the models of the best value, from the cheapest to the dearest. */
export function front(models: readonly SampleModel[], most: number): Segment[] {
  const best = models.filter((model) => model.isBestValue).sort((a, b) => a.usdPer1000 - b.usdPer1000);
  return best.slice(1).map((to, index) => {
    const from = best[index] ?? to;
    return {
      x1: toX(from.usdPer1000, most),
      y1: toY(from.rate),
      x2: toX(to.usdPer1000, most),
      y2: toY(to.rate),
    };
  });
}
