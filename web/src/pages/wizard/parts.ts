import { part } from "$lib/part";

/** What is loaded after the page, when it is wanted or when the browser has nothing else to do. */
export const parts = {
  given: part(() => import("./images/Given.svelte")),
  task: part(() => import("./task/TaskStep.svelte")),
  models: part(() => import("./models/ModelsStep.svelte")),
  review: part(() => import("./review/ReviewStep.svelte")),
  lock: part(() => import("./LockNotice.svelte")),
  chooser: part(() => import("./Chooser.svelte")),
  editor: part(() => import("./json/editor")),
};

const STEPS = [parts.given, parts.task, parts.models, parts.review];
const SOON_MS = 500;

/** Load the steps ahead of their use, so that going on is quick, and offline too. */
export function loadAhead(): void {
  const load = () => STEPS.forEach((each) => each().catch(() => undefined));
  if ("requestIdleCallback" in window) requestIdleCallback(load, { timeout: 4 * SOON_MS });
  else setTimeout(load, SOON_MS);
}
