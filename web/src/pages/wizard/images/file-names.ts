import { localStore } from "../drafting/kept";

/** What the images were called on their customer's machine, which the server does not keep. */
const PREFIX = "modelpick:file-name:";

export function rememberName(imageId: string, name: string): void {
  try {
    localStore()?.setItem(PREFIX + imageId, name);
  } catch {
    return; // it is full: the image goes by its number
  }
}

export const forgetName = (imageId: string): void => localStore()?.removeItem(PREFIX + imageId);

export const nameOf = (imageId: string): string | null => localStore()?.getItem(PREFIX + imageId) ?? null;
