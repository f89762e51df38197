/** What is loaded after the page, when it is wanted or when the browser has nothing else to do. */
export const parts = {
  given: () => import("./images/Given.svelte"),
  task: () => import("./task/TaskStep.svelte"),
  models: () => import("./models/ModelsStep.svelte"),
  review: () => import("./review/ReviewStep.svelte"),
  lock: () => import("./LockNotice.svelte"),
  chooser: () => import("./Chooser.svelte"),
};

const STEPS = [parts.given, parts.task, parts.models, parts.review];
const SOON_MS = 500;

/** Load the steps ahead of their use, so that going on is quick, and offline too. */
export function loadAhead(): void {
  const load = () => STEPS.forEach((each) => each().catch(() => undefined));
  if ("requestIdleCallback" in window) requestIdleCallback(load, { timeout: 4 * SOON_MS });
  else setTimeout(load, SOON_MS);
}
