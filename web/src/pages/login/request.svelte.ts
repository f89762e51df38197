import { api, ApiError, ask } from "$api/client";

/** A mail takes a moment; a second one at once would only leave two links to choose from. */
const PAUSE_S = 30;
const NO_ADDRESS = "No mail can be sent to this address. Please look for a typing slip.";

/** One request for a link by mail, and the next one after a pause. */
export class LinkRequest {
  sentTo = $state("");
  sentCount = $state(0);
  isSending = $state(false);
  problem = $state("");
  /** False when the address itself was refused. */
  isAddressFine = $state(true);
  waitS = $state(0);

  #timer: ReturnType<typeof setInterval> | undefined;

  async send(email: string): Promise<void> {
    if (this.isSending || this.waitS > 0) return;
    this.isSending = true;
    this.problem = "";
    this.isAddressFine = true;
    try {
      await ask(api.POST("/api/auth/magic-link", { body: { email } }));
      this.sentTo = email;
      this.sentCount += 1;
      this.#pause(PAUSE_S);
    } catch (error) {
      this.#refused(error);
    } finally {
      this.isSending = false;
    }
  }

  /** What is no address at all is not worth asking the server about. */
  refuseAddress(email: string): void {
    this.isAddressFine = false;
    this.problem = email === "" ? "Please enter your e-mail address." : NO_ADDRESS;
  }

  startOver(): void {
    this.sentTo = "";
    this.sentCount = 0;
    this.problem = "";
    this.isAddressFine = true;
    this.#pause(0);
  }

  #refused(error: unknown): void {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 422) {
      this.isAddressFine = false;
      this.problem = NO_ADDRESS;
    } else if (error.status === 429) {
      this.#pause(error.retryAfterS ?? PAUSE_S);
      this.problem = tooMany(this.waitS);
    } else {
      this.problem = error.message;
    }
  }

  #pause(seconds: number): void {
    clearInterval(this.#timer);
    this.waitS = Math.ceil(seconds);
    if (seconds <= 0) return;
    // By the clock: in a tab that nobody looks at, timers come late.
    const endsAtMs = Date.now() + seconds * 1000;
    this.#timer = setInterval(() => this.#tick(endsAtMs), 1000);
  }

  #tick(endsAtMs: number): void {
    this.waitS = Math.max(0, Math.ceil((endsAtMs - Date.now()) / 1000));
    if (this.waitS > 0) return;
    clearInterval(this.#timer);
    if (this.isAddressFine) this.problem = "";
  }
}

export const tooMany = (waitS: number): string =>
  `Too many links were asked for. Please wait ${inWords(waitS)} and try again. ` +
  "Links that are in your mailbox already work for 15 minutes after they were sent.";

export function inWords(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? "a second" : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
