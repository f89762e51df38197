/** JSON as lines, with the differences marked on the side where they are seen. */
import { keyPath } from "./fields";
import type { Diff, Json } from "./types";

export type Mark = "missing" | "extra" | "wrong";

export interface Line {
  depth: number;
  /** The key of an object with its colon, or nothing. */
  key: string;
  text: string;
  path: string;
  mark: Mark | null;
  /** True of a line that the answer does not have: it stands where something is missing. */
  ghost: boolean;
}

/** A number as the model wrote it: 8.00 stays 8.00, and long ones lose no digit. */
class Written {
  constructor(readonly source: string) {}
}
type Value = Json | Written | Value[] | { [key: string]: Value };

/** The value of an answer, or undefined where it is not one JSON document. */
export function parsed(output: string): Value | undefined {
  const keep = (_: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined ? new Written(context.source) : value;
  try {
    return JSON.parse(output, keep as (key: string, value: unknown) => unknown) as Value;
  } catch {
    return undefined;
  }
}

/** What was expected, with what the answers lack or have otherwise. */
export function expectedLines(expected: Json, diffs: readonly Diff[]): Line[] {
  const marks = new Map(
    diffs.filter(({ kind }) => kind !== "extra").map((diff): [string, Mark] => [diff.path, diff.kind]),
  );
  return marked(linesOf(expected), marks);
}

/** What the model answered: what is wrong or too much, and a line in the place of what is missing. */
export function actualLines(actual: Value, diffs: readonly Diff[]): Line[] {
  const lines = linesOf(actual);
  const marks = new Map<string, Mark>();
  const texts = new Map(lines.map((line) => [line.path, line.text]));
  for (const diff of diffs.filter(({ kind }) => kind !== "missing")) {
    const path = placeOf(diff, lines, texts, marks);
    if (path !== null) marks.set(path, diff.kind);
  }
  return withGhosts(
    marked(lines, marks),
    diffs.filter(({ kind }) => kind === "missing"),
  );
}

function linesOf(root: Value): Line[] {
  const lines: Line[] = [];
  const add = (depth: number, key: string, text: string, path: string) =>
    lines.push({ depth, key, text, path, mark: null, ghost: false });
  const walk = (value: Value, path: string, key: string, depth: number, comma: string): void => {
    const children = childrenOf(value, path);
    if (!children) return void add(depth, key, scalar(value) + comma, path);
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    if (!children.length) return void add(depth, key, `${open}${close}${comma}`, path);
    add(depth, key, open!, path);
    children.forEach(([name, child, place], index) =>
      walk(child, place, name, depth + 1, index < children.length - 1 ? "," : ""),
    );
    add(depth, "", close! + comma, `${path}\0end`);
  };
  walk(root, "", "", 0, "");
  return lines;
}

function childrenOf(value: Value, path: string): [string, Value, string][] | null {
  if (value === null || typeof value !== "object" || value instanceof Written) return null;
  if (Array.isArray(value)) return value.map((child, index) => ["", child, `${path}[${index}]`]);
  return Object.entries(value).map(([key, child]) => [`${JSON.stringify(key)}: `, child, keyPath(path, key)]);
}

const scalar = (value: Value): string => (value instanceof Written ? value.source : JSON.stringify(value));

/** Mark lines; of a marked object or list every line to its end. */
function marked(lines: Line[], marks: ReadonlyMap<string, Mark>): Line[] {
  let open: { mark: Mark; end: string } | null = null;
  return lines.map((line) => {
    const own = marks.get(line.path);
    if (!open && own && /^[[{]$/.test(line.text)) open = { mark: own, end: `${line.path}\0end` };
    const mark: Mark | null = open?.mark ?? own ?? null;
    if (line.path === open?.end) open = null;
    return { ...line, mark };
  });
}

/**
 * Where a difference stands in the answer. Indexes in paths are those of the expected list, and rows may be
 * matched in another order: then it is the same column of another row, with the value that differs.
 */
function placeOf(
  diff: Diff,
  lines: readonly Line[],
  texts: ReadonlyMap<string, string>,
  taken: ReadonlyMap<string, Mark>,
): string | null {
  const value = diff.actual as Json;
  const isScalar = value === null || typeof value !== "object";
  const own = texts.get(diff.path);
  if (own !== undefined && (!isScalar || isSame(own, value))) return diff.path;
  const general = generalised(diff.path);
  const other = lines.find(
    (line) =>
      generalised(line.path) === general && !taken.has(line.path) && isScalar && isSame(line.text, value),
  );
  return other?.path ?? (own === undefined ? null : diff.path);
}

const generalised = (path: string): string => path.replace(/\[\d+\]/g, "[]");

function isSame(text: string, value: Json): boolean {
  const bare = text.endsWith(",") ? text.slice(0, -1) : text;
  if (bare === JSON.stringify(value)) return true;
  return typeof value === "number" && Number(bare) === value;
}

function withGhosts(lines: Line[], missing: readonly Diff[]): Line[] {
  const all = [...lines];
  for (const diff of missing) {
    const [parent, key] = parentOf(diff.path);
    const end = all.findIndex((line) => line.path === `${parent}\0end`);
    const single = all.findIndex((line) => line.path === parent);
    const at = end < 0 ? single + 1 : end;
    if (single < 0) continue;
    const depth = all[single]!.depth + 1;
    all.splice(at, 0, { depth, key, text: "missing", path: diff.path, mark: "missing", ghost: true });
  }
  return all;
}

/** The path of the container, and the key or the place in it. */
export function parentOf(path: string): [string, string] {
  const match = /^(.*?)(?:\.([^.[\]"]+)|\[(\d+|"(?:[^"\\]|\\.)*")\])$/s.exec(path);
  if (!match) return ["", path ? `${JSON.stringify(path)}: ` : ""];
  const [, parent, plain, bracketed] = match;
  if (plain !== undefined) return [parent!, `${JSON.stringify(plain)}: `];
  return [parent!, /^\d/.test(bracketed!) ? "" : `${bracketed}: `];
}
