import { api, ApiError, ask } from "$api/client";
import { draft } from "../drafting/draft.svelte";
import { forgetPayment, rememberedPayment, rememberPayment } from "./remembered";

/** The way to Stripe's page and back. */
class Payment {
  isBusy = $state(false);
  error = $state("");
  /** The report that was paid for, where this browser knows it. */
  reportId = $state<string | null>(null);

  /** Open the payment, or go on with the open one. */
  async pay(): Promise<void> {
    await this.attempt(async (id) => {
      if (draft.lock === null && !(await draft.flush())) {
        this.error = "Your last changes are not saved yet. Try again in a moment.";
        return;
      }
      window.location.assign((await this.session(id)).url);
      await new Promise(() => undefined); // the page goes away: nothing more may be pressed
    });
  }

  /** Give up the open payment, so that the draft can be changed again. */
  async cancel(): Promise<void> {
    await this.attempt(async (id) => {
      const session_id = rememberedPayment(id) ?? (await this.session(id)).session_id;
      await ask(api.POST("/api/checkout/sessions/{session_id}/cancel", { params: { path: { session_id } } }));
      forgetPayment(id);
      draft.unlock();
    });
  }

  /** Look whether a payment that was begun in this browser is still open. */
  async look(id: string): Promise<void> {
    this.isBusy = false;
    this.reportId = null;
    const session_id = rememberedPayment(id);
    if (!session_id) return;
    try {
      const path = "/api/checkout/sessions/{session_id}";
      const { status, report_id } = await ask(api.GET(path, { params: { path: { session_id } } }));
      this.reportId = report_id ?? null;
      if (status === "open") draft.lock = "order";
      if (status === "processing" || status === "paid") draft.lock = "paid";
    } catch {
      return; // the first change will tell
    }
  }

  private async session(draft_id: string): Promise<{ url: string; session_id: string }> {
    const payable = await ask(api.POST("/api/checkout", { body: { draft_id } }));
    rememberPayment(draft_id, payable.session_id);
    return payable;
  }

  private async attempt(act: (id: string) => Promise<void>): Promise<void> {
    if (this.isBusy || !draft.id) return;
    this.isBusy = true;
    this.error = "";
    try {
      await act(draft.id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error.message + later(error);
      await draft.refresh();
      if (error.status === 401) draft.lock = "signed_out";
    }
    this.isBusy = false;
  }
}

const later = (error: ApiError): string =>
  error.status === 429 && error.retryAfterS
    ? ` That is in ${Math.ceil(error.retryAfterS / 60)} minutes.`
    : "";

export const payment = new Payment();
