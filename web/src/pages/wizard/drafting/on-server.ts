import type { Draft, DraftImage } from "$api/client";
import { written } from "../json/values";
import { expectedKey, FIELDS, meaning, valuesOf } from "./fields";

/** What the server is known to have, by key, as texts that are the same for what means the same. */
export class OnServer extends Map<string, string> {
  note(draft: Draft): void {
    const values = valuesOf(draft);
    for (const field of FIELDS) this.set(field, meaning(field, values[field]));
    for (const image of draft.images) this.noteImage(image);
  }

  noteImage({ id, expected_json }: DraftImage): void {
    this.set(expectedKey(id), meaning(expectedKey(id), written(expected_json)));
  }
}
