import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { budget } from "./scripts/budget.ts";
import { sampleExcerpt } from "./scripts/excerpt.ts";
import { sharedHead } from "./scripts/heads.ts";
import { prerender } from "./scripts/prerender.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// One HTML file a page: each loads what it needs and nothing of the others.
const PAGES = [
  "index",
  "login",
  "new",
  "processing",
  "own-report",
  "sample",
  "reports",
  "error",
  "unavailable",
];

// What is to be read without JavaScript stands in its HTML.
const PRERENDERED = {
  index: "/src/pages/landing/Page.svelte",
  error: "/src/pages/error/Page.svelte",
  unavailable: "/src/pages/error/Unavailable.svelte",
};
// Without this, a component that happens to use none brings the runtime of older ones along.
const RUNES = { compilerOptions: { runes: true } };
const FRAME =
  /node_modules\/(svelte|openapi-fetch)\/|src\/api\/|src\/lib\/(Shell|format|mount|part|session)|preload-helper/;
// The charts are loaded apart from the report: what both use comes with the page, before either.
const FIGURES = /src\/pages\/report\/(answer|legible|source|write)/;
const SHARED_REPORT = "app/report.js";
const excerpt = () => sampleExcerpt(here("./public/sample/document.json"));

export default defineConfig({
  plugins: [svelte(RUNES), excerpt(), sharedHead(), prerender(PRERENDERED, () => [excerpt()]), budget()],
  resolve: { alias: { $lib: here("./src/lib"), $api: here("./src/api") } },
  build: {
    target: "es2022",
    modulePreload: {
      polyfill: false,
      // Of a part that is asked for again only styles: Chromium up to 150 never imports what it could not preload.
      resolveDependencies: (_file, scripts, { hostId, hostType }) =>
        hostType === "html" || hostId === SHARED_REPORT ? scripts : [],
    },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: {
        ...Object.fromEntries(PAGES.map((page) => [page, here(`./${page}.html`)])),
        // The reports service renders this page and links to the script, so its name never changes.
        report: here("./src/pages/report/shared.ts"),
      },
      output: {
        entryFileNames: (chunk) => (chunk.name === "report" ? SHARED_REPORT : "assets/[name]-[hash].js"),
        // One file of what most pages share is smaller than many, and it is loaded once for all of them.
        codeSplitting: {
          groups: [
            { name: "frame", test: FRAME },
            { name: "figures", test: FIGURES },
          ],
        },
      },
    },
  },
  // Threads load jsdom once, not once a file, and each file still has a window of its own.
  test: { environment: "jsdom", pool: "vmThreads", include: ["{src,scripts}/**/*.test.ts"] },
});
