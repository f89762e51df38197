import { tick } from "svelte";
import { draft } from "./drafting/draft.svelte";
import { imageIdIn } from "./drafting/fields";
import { isHollow, type Problem } from "./json/values";
import { addressOf, mendOf, placeIn, STEPS, type Place, type StepId } from "./steps";

const EDITOR_TRIES = 40;
const EDITOR_PAUSE_MS = 50;
/** What the server says of a draft without anything in it. */
const EMPTY: Problem[] = [
  { pointer: "/images", detail: "Upload at least one image." },
  { pointer: "/selected_models", detail: "Pick at least one model." },
];

/** Where in the wizard somebody is; the address says it, and the browser's history keeps it. */
class Wizard {
  step = $state<StepId>(placeIn(window.location.search).step);

  /** What keeps the draft from being paid for, in the order of the steps. */
  get problems(): Problem[] {
    const unsound = draft.unsound.map((key) => ({
      pointer: this.pointerOf(key),
      detail: "This JSON or text has an error.",
    }));
    const known = draft.id ? draft.problems : EMPTY.filter(({ pointer }) => !(pointer in this.given));
    return [...known.filter(({ pointer }) => !unsound.some((each) => each.pointer === pointer)), ...unsound];
  }

  /** The numbers of the images whose expected JSON has no value in it, as after its structure was copied. */
  readonly hollow = $derived(
    draft.images.flatMap(({ id }, index) => (isHollow(draft.expected[id] ?? "") ? [index + 1] : [])),
  );

  problemsOf(step: StepId): number {
    const imageIds = draft.images.map(({ id }) => id);
    return this.problems.filter(({ pointer }) => mendOf(pointer, imageIds).step === step).length;
  }

  /** Go to a step, and there to the element that needs attention. */
  async go(step: StepId, elementId?: string): Promise<void> {
    if (step !== this.step) history.pushState(null, "", addressOf({ draftId: draft.id, step }));
    await this.show(step, elementId);
  }

  async show(step: StepId, elementId?: string): Promise<void> {
    this.step = step;
    document.title = `${STEPS.find(({ id }) => id === step)?.title} - New benchmark - ModelPick`;
    await tick();
    if (elementId) await focusOn(elementId);
    else focusHeading();
  }

  /** Say in the address which draft this is, without a new entry in the history. */
  replace(place: Partial<Place>): void {
    history.replaceState(null, "", addressOf({ draftId: draft.id, step: this.step, ...place }));
  }

  private get given(): Record<string, boolean> {
    return draft.values.selected_models.length ? { "/selected_models": true } : {};
  }

  private pointerOf(key: string): string {
    const imageId = imageIdIn(key);
    if (imageId === null) return `/${key}`;
    return `/images/${draft.images.findIndex(({ id }) => id === imageId)}/expected_json`;
  }
}

function focusHeading(): void {
  window.scrollTo(0, 0);
  document.getElementById("step-title")?.focus({ preventScroll: true });
}

/** Steps and editors are loaded when they are wanted, so the element may take a moment to be there. */
async function focusOn(elementId: string): Promise<void> {
  for (let tries = 0; tries < EDITOR_TRIES; tries += 1) {
    const element = document.getElementById(elementId);
    const inner = element?.querySelector<HTMLElement>(".cm-content, textarea");
    if (element && (inner || element.tabIndex >= -1)) {
      element.scrollIntoView({ block: "center" });
      (inner ?? element).focus();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, EDITOR_PAUSE_MS));
  }
  focusHeading();
}

export const wizard = new Wizard();
