import { mount } from "svelte";
import Report from "./Report.svelte";

/** Replace what the reports service rendered by the same report that can be explored. */
export function mountShared(): void {
  const target = document.getElementById("report");
  if (target) mount(Report, { target });
}
