import type { Draft } from "$api/client";
import { DEFAULT_PROMPT } from "../defaults";
import { canonical, written } from "../json/values";

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

export const pauseMs = (key: string): number =>
  key === "selected_models" || key === "data_policy" ? CHOOSING_PAUSE_MS : TYPING_PAUSE_MS;

const isJson = (key: string): boolean => key === "json_schema" || imageIdIn(key) !== null;
