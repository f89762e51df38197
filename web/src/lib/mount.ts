import { mount, type Component } from "svelte";

/** Put a page's component where its HTML file leaves room for it. */
export function start(page: Component): void {
  const target = document.getElementById("app");
  if (!target) throw new Error("the page has no element #app");
  target.replaceChildren();
  mount(page, { target });
}
