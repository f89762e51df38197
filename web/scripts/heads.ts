import type { Plugin } from "vite";
import { PRICE, RUNS_PER_IMAGE, times } from "../src/lib/offer.ts";

const ROOM = "<!--shared head-->";
const SCRIPT_ROOM = "<!--needs JavaScript-->";

// The theme is set before the first paint, so its script is none that waits.
const SHARED = `<meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/app/site.css" />
    <script src="/app/theme.js"></script>`;

const WITHOUT_JAVASCRIPT = `<noscript>
        <header class="site-header"><a class="brand" href="/">Model<span>Pick</span></a></header>
        <main class="narrow lone">
          <div class="card">
            <h1>JavaScript is switched off</h1>
            <p>This page needs it. Reports that were shared with you can be read without.</p>
          </div>
        </main>
      </noscript>`;

const FIGURES = { "%price%": PRICE, "%times%": times(RUNS_PER_IMAGE) };

/** Return a page's HTML with what all pages have in common, and with the figures of the offer. */
export function withSharedHead(html: string, path: string): string {
  if (!html.includes(ROOM)) throw new Error(`${path} leaves no room for the shared head`);
  let filled = html.replace(ROOM, SHARED).replace(SCRIPT_ROOM, WITHOUT_JAVASCRIPT);
  for (const [mark, figure] of Object.entries(FIGURES)) filled = filled.replaceAll(mark, () => figure);
  return filled;
}

/** Writes into each page's HTML what all of them have in common. */
export function sharedHead(): Plugin {
  return {
    name: "shared-head",
    transformIndexHtml: { order: "pre", handler: (html, { path }) => withSharedHead(html, path) },
  };
}
