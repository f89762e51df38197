import { hydrate, mount, type Component } from "svelte";

/** Put a page's component where its HTML file leaves room for it. */
export function start(page: Component): void {
  const target = room();
  target.replaceChildren();
  mount(page, { target });
}

/** Bring a page to life that was written into its HTML file when it was built. */
export function resume(page: Component): void {
  hydrate(page, { target: room() });
}

function room(): HTMLElement {
  const found = document.getElementById("app");
  if (!found) throw new Error("the page has no element #app");
  return found;
}
