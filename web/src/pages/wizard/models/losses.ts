import { count } from "$lib/format";
import { times } from "$lib/offer";
import type { Estimate } from "$api/client";

/** Models that the ceiling would cut alike. */
export interface Loss {
  modelIds: string[];
  /** How many calls each of them loses, and of how many. */
  cut: number;
  calls: number;
}

/** Return what the ceiling would cut, models that lose the same together. */
export function lossesIn(estimate: Estimate): Loss[] {
  const calls = new Map(estimate.models.map((model) => [model.id, model.calls]));
  const losses = new Map<string, Loss>();
  for (const { model_id, runs } of estimate.will_be_cut) {
    const all = calls.get(model_id) ?? 0;
    const loss = losses.get(`${runs}/${all}`) ?? { modelIds: [], cut: runs, calls: all };
    loss.modelIds.push(model_id);
    losses.set(`${runs}/${all}`, loss);
  }
  return [...losses.values()].sort((one, other) => other.cut - one.cut);
}

/** Say what is left to a model: every image is read once before any is read again. */
export function whatIsLeft({ cut, calls }: Loss, images: number): string {
  const made = calls - cut;
  const rounds = Math.floor(made / images);
  const more = made % images;
  const planned = times(calls / images);
  if (made === 0) return "would read no image at all";
  if (more === 0) return `would read each image ${times(rounds)} instead of ${planned}`;
  if (rounds === 0) return `would read only ${more} of ${count(images, "image")}, once each`;
  const rest = `${count(more, "image")} ${times(rounds + 1)} and the other ${images - more} only ${times(rounds)}`;
  return made + images > calls ? `would read ${rest}` : `would read ${rest}, instead of ${planned}`;
}
