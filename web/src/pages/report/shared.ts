// The reports service's page links to this file by its name; what it needs is loaded from here. The document is
// asked for at once, so that it comes while the scripts do.
import type { Document } from "./types";

const target = document.getElementById("report");
const address = target?.dataset.share;

async function explore(place: HTMLElement, share: string): Promise<void> {
  const [answer, { mountShared }] = await Promise.all([fetch(share), import("./mount")]);
  if (!answer.ok) throw new Error(`the document was refused with ${answer.status}`);
  mountShared(place, (await answer.json()) as Document, share);
}

if (target && address) {
  // The page is complete without: what only scripts show stays away, and what they hide comes back.
  explore(target, address).catch(() => target.classList.add("as-rendered"));
}
