import { expect, test } from "vitest";
import { placeNames, type Box, type Point } from "./labels";

const FRAME: Box = { left: 0, top: 0, right: 500, bottom: 300 };
const point = (x: number, y: number): Point => ({ x, y, width: 80, height: 15 });

function boxOf(place: { x: number; y: number }): Box {
  return { left: place.x, right: place.x + 80, top: place.y - 7.5, bottom: place.y + 7.5 };
}

const overlap = (one: Box, other: Box): boolean =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

test("a name stands beside its point, where it is free", () => {
  expect(placeNames([point(100, 100)], FRAME)).toEqual([{ x: 107, y: 100, meets: null }]);
});

test("names of points that crowd keep apart, and a line leads to those farther off", () => {
  const points = [0, 4, 8, 12, 16, 20].map((step) => point(250 + step, 150 + step));
  const places = placeNames(points, FRAME);
  const boxes = places.map(boxOf);
  boxes.forEach((one, index) =>
    boxes.slice(index + 1).forEach((other) => expect(overlap(one, other)).toBe(false)),
  );
  expect(places[0]!.meets).toBeNull();
  expect(places.some(({ meets }) => meets)).toBe(true);
});

test("a name leaves what is drawn free, and the frame it stays in", () => {
  const line: Box = { left: 100, right: 400, top: 98, bottom: 102 };
  const [place] = placeNames([point(100, 100)], FRAME, [line]);
  expect(overlap(boxOf(place!), line)).toBe(false);
  const corner = boxOf(placeNames([point(498, 2)], FRAME)[0]!);
  expect(corner.right <= FRAME.right && corner.top >= FRAME.top).toBe(true);
});
