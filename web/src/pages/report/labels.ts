/** Where the names of points go, so that they cover neither points nor each other. */
export interface Point {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Place {
  /** The left of the name, and its middle. */
  x: number;
  y: number;
  /** Where a line from the point meets the name; null of a name that stands right beside its point. */
  meets: { x: number; y: number } | null;
}

const RADIUS = 5;
const GAP = 7;
const OUTSIDE_IS_WORSE = 10;
const BESIDE = 13;

/** Where each point's name goes: one after the other takes the free place nearest to it. */
export function placeNames(points: readonly Point[], frame: Box, obstacles: readonly Box[] = []): Place[] {
  const dots = points.map(({ x, y }) => ({
    left: x - RADIUS,
    top: y - RADIUS,
    right: x + RADIUS,
    bottom: y + RADIUS,
  }));
  const taken = [...obstacles, ...dots];
  return points.map((point) => {
    const best = placesOf(point)
      .map((box) => ({ box, cost: costOf(box, taken, frame) }))
      .reduce((one, other) => (other.cost < one.cost ? other : one)).box;
    taken.push(best);
    return { x: best.left, y: (best.top + best.bottom) / 2, meets: meeting(point, best) };
  });
}

function meeting({ x, y }: Point, box: Box): { x: number; y: number } | null {
  const nearest = {
    x: Math.min(Math.max(x, box.left), box.right),
    y: Math.min(Math.max(y, box.top), box.bottom),
  };
  return Math.hypot(nearest.x - x, nearest.y - y) > BESIDE ? nearest : null;
}

function placesOf(point: Point): Box[] {
  const [right, left, middle] = [GAP, -GAP - point.width, -point.width / 2];
  const [above, below] = [-GAP - point.height / 2, GAP + point.height / 2];
  const offsets: [number, number][] = [
    [right, 0],
    [left, 0],
    [right, above],
    [right, below],
    [middle, above],
    [middle, below],
    [left, above],
    [left, below],
  ];
  return [1, 1.8, 2.8, 4].flatMap((reach) =>
    offsets.map(([dx, dy]) => boxOf(point, point.x + dx * reach, point.y + dy * reach)),
  );
}

const boxOf = ({ width, height }: Point, left: number, middle: number): Box => ({
  left,
  top: middle - height / 2,
  right: left + width,
  bottom: middle + height / 2,
});

function overlap(one: Box, other: Box): number {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return Math.max(0, width) * Math.max(0, height);
}

function costOf(box: Box, taken: readonly Box[], frame: Box): number {
  const area = (box.right - box.left) * (box.bottom - box.top);
  const outside = area - overlap(box, frame);
  return taken.reduce((sum, other) => sum + overlap(box, other), OUTSIDE_IS_WORSE * outside);
}
