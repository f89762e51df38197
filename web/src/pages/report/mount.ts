import { flushSync, mount } from "svelte";
import Report from "./Report.svelte";
import { keepingPlace } from "./place";
import { sourceAt } from "./source";
import type { Document } from "./types";

/** Replace what the reports service rendered by the same report that can be explored. */
export function mountShared(target: HTMLElement, document: Document, share: string): void {
  const { owners, imagesRemoved } = target.dataset;
  const token = share.split("/").at(-1)!;
  const props = {
    document,
    source: sourceAt(share),
    removed: imagesRemoved ?? "",
    token: owners === "yes" ? token : undefined,
  };
  keepingPlace(target, () => {
    const explored = target.cloneNode(false) as HTMLElement;
    mount(Report, { target: explored, props });
    flushSync();
    explored.dataset.explorable = "yes";
    target.replaceWith(explored);
  });
}
