import { draft } from "../drafting/draft.svelte";
import { EXPECTED, lint, SCHEMA } from "./lint";

/** Edit a JSON of the draft: it is sent once the server would take it, and kept in this browser until then. */
export const editJson = (key: string, text: string): void =>
  draft.edit(key, text, lint(text, key === "json_schema" ? SCHEMA : EXPECTED).isSound);
