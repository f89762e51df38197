import type { Estimate } from "$api/client";
import { estimateOf } from "./requests";

const PAUSE_MS = 120;

/** What the draft would cost, asked again whenever something of it was saved. */
export class EstimateStore {
  value = $state.raw<Estimate | null>(null);
  /** True while `value` may be out of date. */
  isOld = $state(false);

  /** How many calls the ceiling would cut. */
  readonly cut = $derived(this.value?.will_be_cut.reduce((sum, { runs }) => sum + runs, 0) ?? 0);

  private asked = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Forget the last estimate: it was another draft's. */
  clear(): void {
    this.asked += 1;
    this.value = null;
    this.isOld = false;
  }

  expectChange(): void {
    this.isOld = true;
  }

  refreshSoon(draftId: string): void {
    this.isOld = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(draftId), PAUSE_MS);
  }

  private async refresh(draftId: string): Promise<void> {
    const ticket = ++this.asked;
    try {
      const value = await estimateOf(draftId);
      if (ticket !== this.asked) return;
      this.value = value;
      this.isOld = false;
    } catch {
      return; // the figures stay marked as old; the next thing that is saved asks again
    }
  }
}
