import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin, ResolvedConfig, Rolldown } from "vite";

const KB = 1000;
const FIRST_LOAD_KB = 40;
const REPORT_KB = 250;

// Every import() of the application stands in one of these: those that a page begins with count to its first
// load, the others are for later, when they are wanted or when nothing else is to be done.
const AT_ONCE: readonly string[] = [];
const LATER = [
  "src/pages/report/Report.svelte",
  "src/pages/report/charts.ts",
  "src/pages/report/mount.ts",
  "src/pages/wizard/Chooser.svelte",
  "src/pages/wizard/LockNotice.svelte",
  "src/pages/wizard/images/Given.svelte",
  "src/pages/wizard/json/editor.ts",
  "src/pages/wizard/models/ModelsStep.svelte",
  "src/pages/wizard/review/ReviewStep.svelte",
  "src/pages/wizard/task/TaskStep.svelte",
];
// A report is one page: all of it counts, whenever it is loaded.
const REPORT_PAGES = ["own-report", "sample"];
/** What the page that a service renders links to. */
const SHARED_REPORT = ["app/report.js", "app/report.css", "app/site.css", "app/theme.js", "app/account.js"];

export interface Chunk {
  /** The module that is imported, where it is one of the application's. */
  source: string | null;
  imports: readonly string[];
  dynamicImports: readonly string[];
  css: readonly string[];
}

export type Chunks = ReadonlyMap<string, Chunk>;

/** Return every file that one needs, itself among them, following those dynamic imports that `follows` takes. */
export function reachable(
  file: string,
  chunks: Chunks,
  follows: (imported: Chunk) => boolean,
  seen = new Set<string>(),
): Set<string> {
  const chunk = chunks.get(file);
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const style of chunk?.css ?? []) seen.add(style);
  for (const each of chunk?.imports ?? []) reachable(each, chunks, follows, seen);
  for (const each of chunk?.dynamicImports ?? []) {
    const imported = chunks.get(each);
    if (imported && follows(imported)) reachable(each, chunks, follows, seen);
  }
  return seen;
}

/** Return what is wrong with the lists: an import that stands in none, or one that does not exist. */
export function misjudged(chunks: Chunks, listed: readonly string[]): string[] {
  const imported = new Set<string>();
  for (const { dynamicImports } of chunks.values())
    for (const file of dynamicImports) imported.add(chunks.get(file)?.source ?? file);
  return [
    ...[...imported].filter((source) => !listed.includes(source)).map((each) => `${each} is in no list`),
    ...listed.filter((source) => !imported.has(source)).map((each) => `${each} is imported by nobody`),
  ];
}

interface Check {
  name: string;
  files: Iterable<string>;
  limitKb: number;
}

const startsAtOnce = ({ source }: Chunk): boolean => source !== null && AT_ONCE.includes(source);

function* checksOf(pages: ReadonlyMap<string, string>, chunks: Chunks): Generator<Check> {
  for (const [name, html] of pages) {
    const linked = linkedFrom(html);
    const all = (follows: (imported: Chunk) => boolean) =>
      new Set([`${name}.html`, ...linked.flatMap((file) => [...reachable(file, chunks, follows)])]);
    yield { name: `${name}, first load`, files: all(startsAtOnce), limitKb: FIRST_LOAD_KB };
    if (REPORT_PAGES.includes(name))
      yield { name: `${name}, in all`, files: all(() => true), limitKb: REPORT_KB };
  }
  const shared = SHARED_REPORT.flatMap((file) => [...reachable(file, chunks, () => true)]);
  yield { name: "shared report, in all", files: new Set(shared), limitKb: REPORT_KB };
}

const LINK = /(?:src|href)="\/((?:assets|app)\/[^"]+\.(?:js|css))"/g;
const linkedFrom = (html: string): string[] => [...html.matchAll(LINK)].map(([, path]) => path ?? "");

const gzipped = (path: string): number => gzipSync(readFileSync(path), { level: 9 }).length;

function chunksOf(bundle: Rolldown.OutputBundle, root: string): Map<string, Chunk> {
  const chunks = new Map<string, Chunk>();
  for (const output of Object.values(bundle)) {
    if (output.type !== "chunk") continue;
    chunks.set(output.fileName, {
      source: output.facadeModuleId ? relative(root, output.facadeModuleId) : null,
      imports: output.imports,
      dynamicImports: output.dynamicImports,
      css: [...(output.viteMetadata?.importedCss ?? [])],
    });
  }
  return chunks;
}

function pagesIn(bundle: Rolldown.OutputBundle): Map<string, string> {
  const pages = Object.values(bundle).filter(({ fileName }) => fileName.endsWith(".html"));
  return new Map(
    pages.map((page) => [
      page.fileName.replace(/\.html$/, ""),
      page.type === "asset" ? String(page.source) : page.code,
    ]),
  );
}

/** Fails the build when a page needs more bytes than it may before it can be used. */
export function budget(): Plugin {
  let config: ResolvedConfig;
  return {
    name: "budget",
    apply: "build",
    configResolved(resolved) {
      config = resolved;
    },
    writeBundle({ dir = config.build.outDir }, bundle) {
      const chunks = chunksOf(bundle, config.root);
      const faults = misjudged(chunks, [...AT_ONCE, ...LATER]);
      for (const { name, files, limitKb } of checksOf(pagesIn(bundle), chunks)) {
        const sizeKb = [...files].reduce((sum, file) => sum + gzipped(join(dir, file)), 0) / KB;
        const line = `${sizeKb.toFixed(1).padStart(6)} of ${limitKb} KB  ${name}`;
        config.logger.info(line);
        if (sizeKb > limitKb) faults.push(`too large: ${line.trim()}`);
      }
      if (faults.length) this.error(faults.join("\n"));
    },
  };
}
