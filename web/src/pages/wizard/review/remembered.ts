import { localStore } from "../drafting/kept";

/** Which payment was begun for a draft in this browser; the server is asked how it stands. */
const PREFIX = "modelpick:payment:";

export const rememberedPayment = (draftId: string): string | null =>
  localStore()?.getItem(PREFIX + draftId) ?? null;

export const rememberPayment = (draftId: string, sessionId: string): void =>
  localStore()?.setItem(PREFIX + draftId, sessionId);

export const forgetPayment = (draftId: string): void => localStore()?.removeItem(PREFIX + draftId);
