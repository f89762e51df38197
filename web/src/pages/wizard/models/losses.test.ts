import { expect, test } from "vitest";
import type { Estimate } from "$api/client";
import { lossesIn, whatIsLeft } from "./losses";

const left = (made: number, images = 10, calls = 30): string =>
  whatIsLeft({ modelIds: [], calls, cut: calls - made }, images);

test("what is left to a model is said by image, as every image is read once before any is read again", () => {
  expect(left(0)).toBe("would read no image at all");
  expect(left(4)).toBe("would read only 4 of 10 images, once each");
  expect(left(10)).toBe("would read each image once instead of three times");
  expect(left(12)).toBe("would read 2 images twice and the other 8 only once, instead of three times");
  expect(left(20)).toBe("would read each image twice instead of three times");
  expect(left(21)).toBe("would read 1 image three times and the other 9 only twice");
  expect(left(2, 1, 3)).toBe("would read each image twice instead of three times");
});

test("models that lose the same are named together, those that lose most first", () => {
  const estimate = {
    models: ["a", "b", "c", "free"].map((id) => ({ id, calls: 30, expected_cost_usd: "1" })),
    will_be_cut: [
      { model_id: "a", runs: 6 },
      { model_id: "b", runs: 7 },
      { model_id: "c", runs: 6 },
    ],
  } as unknown as Estimate;
  expect(lossesIn(estimate)).toEqual([
    { modelIds: ["b"], cut: 7, calls: 30 },
    { modelIds: ["a", "c"], cut: 6, calls: 30 },
  ]);
});
