/** What the server says of a value, and where. */
export interface Problem {
  pointer: string;
  detail: string;
}

/** Return how a value of the server is shown for editing; null is nothing yet. */
export const written = (value: unknown): string =>
  value === null || value === undefined ? "" : JSON.stringify(value, null, 2);

/** Return a text of its own for each value, however it is spelt: to tell whether two are the same. */
export function canonical(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text)) ?? "";
  } catch {
    return text.trim();
  }
}

/** Say whether a JSON has keys but no value yet, as after its structure was copied. */
export function isHollow(text: string): boolean {
  try {
    const leaves = leavesOf(JSON.parse(text));
    return leaves.length > 0 && leaves.every((leaf) => leaf === null);
  } catch {
    return false;
  }
}

const leavesOf = (value: unknown): unknown[] =>
  typeof value === "object" && value !== null ? Object.values(value).flatMap(leavesOf) : [value];
