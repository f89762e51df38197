// Fails the build when a page needs more bytes than it may before it can be used.
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url).pathname;
const KB = 1000;
const ENTRY_KB = 40;
const REPORT_KB = 250;

const size = (file) => gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length;

/** Every file that a script needs before it runs, itself among them. */
function needed(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  const source = readFileSync(join(DIST, file), "utf8");
  const folder = file.split("/").slice(0, -1).join("/");
  const imports = source.matchAll(
    /(?:^|[;}\s])(?:import|export)\s*(?:[\w*{}\s,$]+from\s*)?["'](\.{1,2}\/[^"']+)["']/g,
  );
  for (const [, path] of imports) needed(join(folder, path), seen);
  return seen;
}

function ofPage(html) {
  const text = readFileSync(join(DIST, html), "utf8");
  const linked = [...text.matchAll(/(?:src|href)="\/((?:assets|app)\/[^"]+\.(?:js|css))"/g)].map(
    ([, path]) => path,
  );
  const files = new Set([html, ...linked]);
  for (const file of linked)
    if (file.endsWith(".js")) needed(file, new Set()).forEach((each) => files.add(each));
  return files;
}

/** Everything that a report page may load, whether at once or later. */
function ofReport() {
  const files = new Set(["app/site.css", "app/report.css", "app/theme.js"]);
  const queue = ["app/report.js"];
  for (let file = queue.pop(); file; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    if (!file.endsWith(".js")) continue;
    const source = readFileSync(join(DIST, file), "utf8");
    for (const [, name] of source.matchAll(
      /["'`](?:\.{0,2}\/)*(?:assets\/)?([\w.-]+-[\w-]{8}\.(?:js|css))["'`]/g,
    )) {
      queue.push(`assets/${name}`);
    }
  }
  return files;
}

const total = (files) => [...files].reduce((sum, file) => sum + size(file), 0);
const checks = readdirSync(DIST)
  .filter((name) => name.endsWith(".html"))
  .map((name) => ({ name: basename(name, ".html"), bytes: total(ofPage(name)), limit: ENTRY_KB * KB }));
checks.push({ name: "report", bytes: total(ofReport()), limit: REPORT_KB * KB });

let failed = false;
for (const { name, bytes, limit } of checks) {
  const over = bytes > limit;
  failed ||= over;
  console.log(
    `${over ? "OVER  " : "within"} ${(bytes / KB).toFixed(1).padStart(6)} of ${limit / KB} KB  ${name}`,
  );
}
process.exit(failed ? 1 : 0);
