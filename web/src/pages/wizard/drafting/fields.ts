import type { Draft } from "$api/client";
import { DEFAULT_PROMPT } from "../defaults";
import { canonical, lint, written, type Limits } from "../json/lint";
import {
  byteCount,
  MAX_EXPECTED_BYTES,
  MAX_EXPECTED_LEVELS,
  MAX_PROMPT_BYTES,
  MAX_SCHEMA_BYTES,
  MAX_SCHEMA_LEVELS,
} from "../limits";

/** The fields of a draft as they are edited: JSON as the text that is typed. */
export interface Values {
  name: string;
  extraction_prompt: string;
  json_schema: string;
  selected_models: string[];
  data_policy: Draft["data_policy"];
}

export type Field = keyof Values;

export const FIRST_VALUES: Values = {
  name: "",
  extraction_prompt: DEFAULT_PROMPT,
  json_schema: "",
  selected_models: [],
  data_policy: "any",
};
export const FIELDS = Object.keys(FIRST_VALUES) as Field[];

export const EXPECTED: Limits = { maxBytes: MAX_EXPECTED_BYTES, maxLevels: MAX_EXPECTED_LEVELS };
export const SCHEMA: Limits = {
  maxBytes: MAX_SCHEMA_BYTES,
  maxLevels: MAX_SCHEMA_LEVELS,
  notAnObject: "A schema must be a JSON object, in curly braces.",
};

const TYPING_PAUSE_MS = 600;
const CHOOSING_PAUSE_MS = 150;
const IMAGE = "expected:";

/** The key under which an image's expected JSON is saved. */
export const expectedKey = (imageId: string): string => IMAGE + imageId;

export const imageIdIn = (key: string): string | null =>
  key.startsWith(IMAGE) ? key.slice(IMAGE.length) : null;

export const isField = (key: string): key is Field => key in FIRST_VALUES;

export const valuesOf = (draft: Draft): Values => ({
  name: draft.name,
  extraction_prompt: draft.extraction_prompt,
  json_schema: written(draft.json_schema),
  selected_models: draft.selected_models,
  data_policy: draft.data_policy,
});

/** Return a text that is the same for values that mean the same. */
export const meaning = (key: string, value: unknown): string =>
  isJson(key) ? canonical(String(value)) : JSON.stringify(value);

/** Say whether the server would take a value. */
export function isSound(key: string, value: unknown): boolean {
  if (key === "extraction_prompt") return byteCount(String(value)) <= MAX_PROMPT_BYTES;
  return !isJson(key) || lint(String(value), limitsOf(key)).isSound;
}

export const pauseMs = (key: string): number =>
  key === "selected_models" || key === "data_policy" ? CHOOSING_PAUSE_MS : TYPING_PAUSE_MS;

const isJson = (key: string): boolean => key === "json_schema" || imageIdIn(key) !== null;

const limitsOf = (key: string): Limits => (key === "json_schema" ? SCHEMA : EXPECTED);
