import { expect, it } from "vitest";
import { byteCount, fileSize } from "./limits";
import { addressOf, mendOf, placeIn } from "./steps";

const ID = "01a1fde9-6d2c-770a-9a01-eeff785521f6";

it("an address leads to its step, and what it does not know to the first", () => {
  expect(placeIn(addressOf({ draftId: ID, step: "models" }).split("?")[1] ?? "")).toEqual({
    draftId: ID,
    step: "models",
  });
  expect(placeIn("?draft=../x&step=nowhere")).toEqual({ draftId: null, step: "images" });
  expect(addressOf({ draftId: null, step: "task" })).toBe("/benchmark/new?step=task");
});

it("a problem leads to the place that mends it", () => {
  const place = (pointer: string) => mendOf(pointer, ["i1", "i2"]);
  expect(place("/images/1/expected_json/total")).toMatchObject({
    step: "images",
    elementId: "expected-i2",
    label: "Image 2",
  });
  expect(place("/images")).toMatchObject({ step: "images", elementId: "add-images" });
  expect(place("/selected_models/3")).toMatchObject({ step: "models", elementId: "models" });
  expect(place("/json_schema/type")).toMatchObject({ step: "task", elementId: "schema" });
  expect(place("/data_policy")).toMatchObject({ step: "task", elementId: "policy" });
  expect(place("/extraction_prompt")).toMatchObject({ step: "task", elementId: "prompt" });
});

it("counts bytes, not characters", () => {
  expect([byteCount("é€"), fileSize(900), fileSize(2048), fileSize(1.5 * 1024 * 1024)]).toEqual([
    5,
    "900 bytes",
    "2 KiB",
    "1.5 MiB",
  ]);
});
