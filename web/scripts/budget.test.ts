// @vitest-environment node
import { expect, test } from "vitest";
import { misjudged, reachable, type Chunk, type Chunks } from "./budget";

const chunk = (source: string | null, rest: Partial<Chunk> = {}): Chunk => ({
  source,
  imports: [],
  dynamicImports: [],
  css: [],
  ...rest,
});

const CHUNKS: Chunks = new Map([
  ["page.js", chunk("page.ts", { imports: ["shared.js"], dynamicImports: ["frame.js", "step.js"] })],
  ["shared.js", chunk(null, { css: ["shared.css"], imports: ["page.js"] })],
  ["frame.js", chunk("Frame.svelte", { css: ["frame.css"], dynamicImports: ["editor.js"] })],
  ["step.js", chunk("Step.svelte", { css: ["step.css"] })],
  ["editor.js", chunk("editor.ts")],
]);

test("what a page begins with counts to its first load, with its styles, and what is for later does not", () => {
  const first = reachable("page.js", CHUNKS, ({ source }) => source === "Frame.svelte");
  expect([...first].sort()).toEqual(["frame.css", "frame.js", "page.js", "shared.css", "shared.js"]);
});

test("in all, everything that may ever be loaded counts", () => {
  expect(reachable("page.js", CHUNKS, () => true).size).toBe(CHUNKS.size + 3);
});

test("an import that nobody has judged is a mistake, as is a judgement of none", () => {
  const listed = ["Frame.svelte", "Step.svelte", "Gone.svelte"];
  expect(misjudged(CHUNKS, listed)).toEqual(["editor.ts is in no list", "Gone.svelte is imported by nobody"]);
});
