import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// One HTML file a page: each loads what it needs and nothing of the others.
const PAGES = ["index", "login", "new", "processing", "own-report", "reports", "error"];

export default defineConfig({
  plugins: [svelte()],
  resolve: { alias: { $lib: here("./src/lib"), $api: here("./src/api") } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: {
        ...Object.fromEntries(PAGES.map((page) => [page, here(`./${page}.html`)])),
        // The reports service renders this page and links to the script, so its name never changes.
        report: here("./src/pages/report/shared.ts"),
      },
      output: {
        entryFileNames: (chunk) => (chunk.name === "report" ? "app/report.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.ts"] },
});
