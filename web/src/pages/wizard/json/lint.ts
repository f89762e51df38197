import {
  byteCount,
  MAX_EXPECTED_BYTES,
  MAX_EXPECTED_LEVELS,
  MAX_SCHEMA_BYTES,
  MAX_SCHEMA_LEVELS,
} from "../limits";
import { read, type Fault, type Places } from "./parse";
import { written, type Problem } from "./values";

export interface Limits {
  maxBytes: number;
  maxLevels: number;
  /** What to say when the value is no object; anything goes without it. */
  notAnObject?: string;
}

export const EXPECTED: Limits = { maxBytes: MAX_EXPECTED_BYTES, maxLevels: MAX_EXPECTED_LEVELS };
export const SCHEMA: Limits = {
  maxBytes: MAX_SCHEMA_BYTES,
  maxLevels: MAX_SCHEMA_LEVELS,
  notAnObject: "A schema must be a JSON object, in curly braces.",
};

export interface Linted {
  faults: Fault[];
  places: Places;
  /** True when the text is empty or can be sent as it is. */
  isSound: boolean;
}

export function lint(text: string, limits: Limits): Linted {
  if (!text.trim()) return { faults: [], places: new Map(), isSound: true };
  const { faults, places } = read(text, limits.maxLevels);
  const whole = { from: 0, to: text.length, severity: "error" as const };
  if (!faults.some(isError) && limits.notAnObject && !text.trimStart().startsWith("{"))
    faults.push({ ...whole, message: limits.notAnObject });
  if (!faults.some(isError) && byteCount(compact(text)) > limits.maxBytes)
    faults.push({ ...whole, message: `The JSON is larger than ${limits.maxBytes} bytes.` });
  return { faults, places, isSound: !faults.some(isError) };
}

const isError = (fault: Fault): boolean => fault.severity === "error";

/** Put what the server found where it stands in the text, or where the nearest value around it does. */
export function placed(problems: readonly Problem[], text: string, places: Places): Fault[] {
  return problems.map(({ pointer, detail }) => {
    let nearest = pointer;
    while (nearest && !places.has(nearest)) nearest = nearest.slice(0, nearest.lastIndexOf("/"));
    const { from, to } = places.get(nearest) ?? { from: 0, to: text.length };
    return { from, to, message: detail, severity: "error" };
  });
}

export function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Return sound JSON without white space; numbers and texts stay as they are written. */
export const compact = (text: string): string => (text.match(TOKEN) ?? []).join("");

/** Return sound JSON with a line for each value; numbers and texts stay as they are written. */
export function format(text: string): string {
  const tokens = text.match(TOKEN) ?? [];
  let depth = 0;
  const line = (): string => `\n${"  ".repeat(depth)}`;
  return tokens
    .map((token, index) => {
      const isEmpty = "]}".includes(tokens[index + 1] ?? "x");
      if (token === "{" || token === "[") return ((depth += 1), isEmpty ? token : token + line());
      if (token === "}" || token === "]")
        return ((depth -= 1), "[{".includes(tokens[index - 1] ?? "x") ? token : line() + token);
      if (token === ",") return token + line();
      return token === ":" ? ": " : token;
    })
    .join("");
}

/** Return a value's structure: its keys, and one entry of each list, with nothing filled in. */
export function emptied(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(emptied);
  if (typeof value !== "object" || value === null) return null;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, emptied(child)]));
}

/** Return a JSON's structure as text, to be filled in; nothing for what is no JSON yet. */
export function structureOf(text: string): string {
  try {
    return written(emptied(JSON.parse(text)));
  } catch {
    return "";
  }
}
