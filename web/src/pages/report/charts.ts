/** The charts of a report. This module is loaded when a chart comes near the window: it is most of the page. */
import { axisX, axisY, dot, gridX, gridY, line, link, plot, ruleY, text } from "@observablehq/plot";
import { nameOf } from "./answer";
import { placeNames, type Box } from "./labels";
import { shortened } from "./legible";
import type { Standing } from "./standing";
import { percent, price, seconds } from "./write";

const LABEL = {
  x: "cost",
  y: "rate",
  text: "text",
  textAnchor: "start",
  stroke: "var(--bg)",
  strokeWidth: 3,
  fontSize: 12,
} as const;

type Chart = ReturnType<typeof plot>;

const MARGIN = { top: 32, right: 24, bottom: 44, left: 52 };
const NAME_LETTERS = 24;
const AXIS_LABEL: Box = { left: -MARGIN.left, right: 48, top: -MARGIN.top, bottom: -14 };
const FREE = 2.5; // how far free models stand to the left of the cheapest that costs money

interface Dot {
  name: string;
  /** The decimal logarithm of the dollars: Plot's own logarithmic axis leaves labels out. */
  cost: number;
  rate: number;
  low: number;
  high: number;
  front: boolean;
  title: string;
}

export function costChart(all: readonly Standing[], width: number): Chart {
  const height = Math.round(Math.min(440, Math.max(300, width * 0.55)));
  const { dots, freeAt } = dotsOf(all);
  const front = dots.filter((each) => each.front).sort((one, other) => one.cost - other.cost);
  const x = costScale(dots);
  const bottom = Math.max(0, Math.floor(10 * Math.min(...dots.map(({ low }) => low))) / 10);
  const names = named(dots, x, bottom, width, height);
  return described(
    plot({
      ...frame(width, height),
      marginTop: MARGIN.top,
      marginRight: MARGIN.right,
      marginBottom: MARGIN.bottom,
      marginLeft: MARGIN.left,
      ariaLabel: "Cost of 1,000 images against the share of right answers",
      ariaDescription: "One point a model. The table below has the figures.",
      x: { domain: x },
      y: { domain: [bottom, 1] },
      marks: [
        gridY({ stroke: "var(--line)", strokeOpacity: 1 }),
        axisY({ label: "Right answers", tickFormat: (rate: number) => percent(rate, 0), ticks: 5 }),
        axisX({
          label: "Cost of 1,000 images",
          ticks: ticksOf(x, freeAt),
          tickFormat: (cost: number) => (cost === freeAt ? "free" : tickPrice(10 ** cost)),
        }),
        line(front, {
          x: "cost",
          y: "rate",
          stroke: "var(--accent)",
          strokeDasharray: "2 4",
          curve: "step-after",
        }),
        link(front, {
          x1: "cost",
          x2: "cost",
          y1: "low",
          y2: "high",
          stroke: "var(--accent)",
          strokeWidth: 5,
          strokeOpacity: 0.25,
        }),
        link(
          names.filter(({ meets }) => meets),
          {
            x1: "at",
            y1: "height",
            x2: ({ meets }) => meets!.x,
            y2: ({ meets }) => meets!.y,
            stroke: "var(--line-strong)",
          },
        ),
        dot(
          dots.filter((each) => !each.front),
          {
            x: "cost",
            y: "rate",
            r: 4,
            fill: "var(--bg)",
            stroke: "var(--muted)",
            strokeWidth: 1.5,
            title: "title",
          },
        ),
        dot(front, { x: "cost", y: "rate", r: 6, symbol: "diamond", fill: "var(--accent)", title: "title" }),
        text(
          names.filter((each) => !each.front),
          { ...LABEL, fill: "var(--muted)" },
        ),
        text(
          names.filter((each) => each.front),
          { ...LABEL, fill: "var(--text)", fontWeight: 600 },
        ),
      ],
    }),
  );
}

export function latencyChart(all: readonly Standing[], width: number): Chart {
  const letters = width < 500 ? 16 : 26;
  const rows = all
    .filter(({ model }) => model.latency_ms.p50 !== null)
    .map((standing) => ({
      name: shortened(nameOf(standing), letters),
      ...standing.model.latency_ms,
    }))
    .sort((one, other) => one.p50! - other.p50!)
    .map((row, index) => ({ ...row, row: index }));
  const longest = Math.max(...rows.map(({ name }) => [...name].length));
  const margin = 16 + 7 * longest;
  return described(
    plot({
      ...frame(width, 26 * rows.length + 64),
      marginLeft: margin,
      marginRight: 56,
      marginTop: 8,
      marginBottom: 44,
      ariaLabel: "Seconds for one answer: median, p90 and p99 of each model",
      ariaDescription: "A row a model, the quickest first. The table below has the figures.",
      x: { domain: [0, Math.max(...rows.map(({ p99, p50 }) => p99 ?? p50!))], nice: true },
      y: { type: "band", domain: rows.map(({ row }) => row), padding: 0.35 },
      marks: [
        gridX({ stroke: "var(--line)", strokeOpacity: 1 }),
        axisX({ label: "Seconds", tickFormat: (ms: number) => `${ms / 1000}`, ticks: width < 500 ? 4 : 8 }),
        axisY({ label: null, tickSize: 0, tickFormat: (row: number) => rows[row]!.name, fontSize: 12 }),
        ruleY(rows, { y: "row", x1: "p50", x2: "p99", stroke: "var(--muted)", strokeWidth: 1.5 }),
        link(rows, {
          y1: "row",
          y2: "row",
          x1: "p50",
          x2: "p90",
          stroke: "var(--good)",
          strokeWidth: 8,
          strokeOpacity: 0.55,
          strokeLinecap: "butt",
        }),
        dot(rows, { x: "p50", y: "row", r: 5, fill: "var(--good)", stroke: "var(--bg)" }),
        dot(rows, { x: "p99", y: "row", r: 3, symbol: "times", stroke: "var(--muted)" }),
        text(rows, {
          x: (row) => row.p99 ?? row.p50,
          y: "row",
          text: (row) => seconds(row.p99 ?? row.p50),
          textAnchor: "start",
          dx: 8,
          fill: "var(--muted)",
          fontSize: 12,
        }),
      ],
    }),
  );
}

/** One picture with one name: what Plot calls its parts says nothing to a reader who cannot see them. */
function described(chart: Chart): Chart {
  chart.setAttribute("role", "img");
  for (const part of chart.querySelectorAll("g[aria-label]")) part.removeAttribute("aria-label");
  return chart;
}

const frame = (width: number, height: number) => ({
  width,
  height,
  style: {
    background: "none",
    color: "var(--text)",
    fontFamily: "var(--sans)",
    fontSize: "12px",
    overflow: "visible",
  },
});

function dotsOf(all: readonly Standing[]): { dots: Dot[]; freeAt: number | null } {
  const known = all.filter(({ rate, per1000Usd }) => rate !== null && per1000Usd !== null);
  const paid = known.map(({ per1000Usd }) => per1000Usd!).filter((cost) => cost > 0);
  const freeAt = paid.length < known.length ? Math.log10(Math.min(1, ...paid) / FREE) : null;
  const dots = known.map((standing): Dot => {
    const cost = standing.per1000Usd ? Math.log10(standing.per1000Usd) : freeAt!;
    return {
      name: nameOf(standing),
      cost,
      rate: standing.rate!,
      low: standing.ci95?.[0] ?? standing.rate!,
      high: standing.ci95?.[1] ?? standing.rate!,
      front: standing.pareto,
      title: `${nameOf(standing)}: ${percent(standing.rate)} right, ${price(standing.per1000Usd)} for 1,000 images`,
    };
  });
  return { dots, freeAt };
}

function costScale(dots: readonly Dot[]): [number, number] {
  const costs = dots.map(({ cost }) => cost);
  return [Math.min(...costs) - 0.2, Math.max(...costs) + 0.28];
}

function ticksOf([low, high]: [number, number], freeAt: number | null): number[] {
  const steps = high - low > 2.5 ? [0] : [0, Math.log10(3)];
  const powers = Array.from({ length: Math.ceil(high) - Math.floor(low) }, (_, n) => Math.floor(low) + n);
  const ticks = powers.flatMap((power) => steps.map((step) => power + step));
  const least = freeAt === null ? low : freeAt + 0.15;
  const within = ticks.filter((tick) => tick >= least && tick <= high);
  return freeAt === null ? within : [freeAt, ...within];
}

const tickPrice = (cost: number): string =>
  cost < 1 ? `$${Number(cost.toPrecision(1))}` : `$${cost.toLocaleString("en-US")}`;

/** The names beside their dots; of many models only those of the front have one where it is narrow. */
function named(dots: readonly Dot[], x: [number, number], bottom: number, width: number, height: number) {
  const plane = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const shown = [...dots]
    .sort((one, other) => Number(other.front) - Number(one.front))
    .filter((each) => each.front || (dots.length <= 12 && width > 500) || width > 800);
  const span = x[1] - x[0];
  const toX = (cost: number) => (plane.width * (cost - x[0])) / span;
  const toY = (rate: number) => (plane.height * (1 - rate)) / (1 - bottom || 1);
  const costAt = (left: number) => x[0] + (span * left) / plane.width;
  const rateAt = (top: number) => 1 - ((1 - bottom) * top) / plane.height;
  const points = shown.map(({ name, cost, rate, front }) => ({
    x: toX(cost),
    y: toY(rate),
    width: (front ? 7.6 : 7) * shortened(name, NAME_LETTERS).length,
    height: 15,
  }));
  const frame = { left: 0, top: 8 - MARGIN.top, right: plane.width, bottom: plane.height };
  return placeNames(points, frame, [AXIS_LABEL, ...drawn(dots, toX, toY)]).map((place, index) => ({
    text: shortened(shown[index]!.name, NAME_LETTERS),
    front: shown[index]!.front,
    cost: costAt(place.x),
    rate: rateAt(place.y),
    at: shown[index]!.cost,
    height: shown[index]!.rate,
    meets: place.meets && { x: costAt(place.meets.x), y: rateAt(place.meets.y) },
  }));
}

/** The boxes of the intervals and of the steps between the models of the front. */
function drawn(dots: readonly Dot[], toX: (cost: number) => number, toY: (rate: number) => number): Box[] {
  const front = dots.filter((each) => each.front).sort((one, other) => one.cost - other.cost);
  return front.flatMap((each, index) => {
    const left = toX(each.cost);
    const band = { left: left - 3, right: left + 3, top: toY(each.high), bottom: toY(each.low) };
    const next = front[index + 1];
    if (!next) return [band];
    const step = { left, right: toX(next.cost), top: toY(each.rate) - 2, bottom: toY(each.rate) + 2 };
    return [band, step];
  });
}
