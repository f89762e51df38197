export const STEPS = [
  { id: "images", title: "Images", heading: "Images and what a perfect model returns" },
  { id: "task", title: "Task", heading: "What the models are asked" },
  { id: "models", title: "Models", heading: "Which models to compare" },
  { id: "review", title: "Review and pay", heading: "Review and pay" },
] as const;

export type StepId = (typeof STEPS)[number]["id"];

export interface Place {
  draftId: string | null;
  step: StepId;
}

const PATH = "/benchmark/new";
const DRAFT_ID = /^[0-9a-f-]{36}$/i;

export function placeIn(search: string): Place {
  const query = new URLSearchParams(search);
  const draftId = query.get("draft");
  const step = STEPS.find(({ id }) => id === query.get("step"));
  return { draftId: draftId && DRAFT_ID.test(draftId) ? draftId : null, step: step?.id ?? "images" };
}

export function addressOf({ draftId, step }: Place): string {
  const query = new URLSearchParams();
  if (draftId) query.set("draft", draftId);
  query.set("step", step);
  return `${PATH}?${query}`;
}

export const stepNumber = (step: StepId): number => STEPS.findIndex(({ id }) => id === step);

/** Where a problem is mended: the step, and the id of the element there. */
export interface Mend {
  step: StepId;
  elementId: string;
  label: string;
}

export function mendOf(pointer: string, imageIds: readonly string[]): Mend {
  const [first = "", second = ""] = pointer.split("/").slice(1);
  if (first === "images") return mendOfImage(second, imageIds);
  if (first === "selected_models") return { step: "models", elementId: "models", label: "Models" };
  if (first === "json_schema") return { step: "task", elementId: "schema", label: "Schema" };
  if (first === "data_policy") return { step: "task", elementId: "policy", label: "Data policy" };
  return { step: "task", elementId: "prompt", label: "Prompt" };
}

function mendOfImage(index: string, imageIds: readonly string[]): Mend {
  const imageId = index === "" ? undefined : imageIds[Number(index)];
  if (imageId === undefined) return { step: "images", elementId: "add-images", label: "Images" };
  return { step: "images", elementId: `expected-${imageId}`, label: `Image ${Number(index) + 1}` };
}
