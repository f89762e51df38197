import { expect, it } from "vitest";
import { inNameOrder, whyNot } from "./checks";
import { pairFiles } from "./pairing";

const file = (name: string, type = "image/png", bytes = 3) =>
  new File([new Uint8Array(bytes)], name, { type });

it("pairs images with the JSON that is called like them", () => {
  const files = [file("a.jpg"), file("A.JSON", "application/json"), file("b.png"), file("b.png.json", "")];
  const { uploads, fills, strays } = pairFiles(files, new Map());
  expect(uploads.map(({ image, json }) => [image.name, json?.name])).toEqual([
    ["a.jpg", "A.JSON"],
    ["b.png", "b.png.json"],
  ]);
  expect([fills, strays]).toEqual([[], []]);
});

it("fills in images that are there already, and names JSON that belongs to none", () => {
  const files = [file("a.json", ""), file("z.json", "")];
  const { uploads, fills, strays } = pairFiles(files, new Map([["id-1", "a.jpg"]]));
  expect(uploads).toEqual([]);
  expect(fills.map(({ imageId, json }) => [imageId, json.name])).toEqual([["id-1", "a.json"]]);
  expect(strays.map(({ name }) => name)).toEqual(["z.json"]);
});

it("refuses what the server would, in its words", () => {
  expect(whyNot(file("a.png"))).toBeNull();
  expect(whyNot(file("a.bmp", "image/bmp"))).toBe("Only PNG, JPEG, WebP and GIF images are accepted.");
  expect(whyNot(file("a.png", "image/png", 10 * 1024 * 1024 + 1))).toBe("An image may have at most 10 MiB.");
});

it("sorts page 2 before page 10", () => {
  expect(inNameOrder([file("p10.png"), file("p2.png")]).map(({ name }) => name)).toEqual([
    "p2.png",
    "p10.png",
  ]);
});
