import { api, ask, type Draft, type DraftChange, type DraftImage, type Estimate } from "$api/client";
import type { Field } from "./fields";

const ofDraft = (draft_id: string) => ({ params: { path: { draft_id } } });
const ofImage = (draft_id: string, image_id: string) => ({ params: { path: { draft_id, image_id } } });

export const createDraft = (): Promise<Draft> => ask(api.POST("/api/drafts", { body: { name: "" } }));

export const getDraft = (id: string): Promise<Draft> => ask(api.GET("/api/drafts/{draft_id}", ofDraft(id)));

export const copyDraft = (id: string): Promise<Draft> =>
  ask(api.POST("/api/drafts/{draft_id}/copy", ofDraft(id)));

export async function unfinishedDrafts(): Promise<Draft[]> {
  const { items } = await ask(api.GET("/api/drafts"));
  return items
    .filter(({ status }) => status !== "paid")
    .sort((one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at));
}

export const changeField = (id: string, field: Field, value: unknown): Promise<Draft> =>
  field === "json_schema" ? changeSchema(id, String(value)) : changeDraft(id, { [field]: value });

// `keepalive`: what is sent while the page goes away still arrives.
const changeDraft = (id: string, change: DraftChange): Promise<Draft> =>
  ask(api.PATCH("/api/drafts/{draft_id}", { ...ofDraft(id), body: change, ...lasting(change) }));

/** Send JSON as it is written: read and written again by a browser, long numbers would change. */
const changeSchema = (id: string, text: string): Promise<Draft> =>
  ask(api.PATCH("/api/drafts/{draft_id}", { ...ofDraft(id), ...raw("json_schema", text) }));

export const changeExpected = (id: string, imageId: string, text: string): Promise<DraftImage> =>
  ask(
    api.PATCH("/api/drafts/{draft_id}/images/{image_id}", {
      ...ofImage(id, imageId),
      ...raw("expected_json", text),
    }),
  );

export const moveImage = (id: string, imageId: string, position: number): Promise<DraftImage> =>
  ask(api.PATCH("/api/drafts/{draft_id}/images/{image_id}", { ...ofImage(id, imageId), body: { position } }));

export const deleteImage = (id: string, imageId: string): Promise<unknown> =>
  ask(api.DELETE("/api/drafts/{draft_id}/images/{image_id}", ofImage(id, imageId)));

export const estimateOf = (id: string): Promise<Estimate> =>
  ask(api.GET("/api/drafts/{draft_id}/estimate", ofDraft(id)));

export async function inferSchema(id: string): Promise<Record<string, unknown>> {
  return (await ask(api.POST("/api/drafts/{draft_id}/infer-schema", ofDraft(id)))).json_schema;
}

// Browsers keep at most 64 KiB of requests alive in all.
const LASTING_CHARACTERS = 10_000;

const lasting = (body: unknown) => ({ keepalive: JSON.stringify(body).length < LASTING_CHARACTERS });

const raw = (field: string, text: string) => ({
  body: { [field]: null },
  bodySerializer: () => `{"${field}":${text.trim() || "null"}}`,
  keepalive: text.length < LASTING_CHARACTERS,
});
