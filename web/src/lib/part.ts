const MISSED = /Failed to fetch .*(https?:\S+\.js)$/;
let again = 0;

/** Load a part of the page once, however often it is wanted; where it did not come, it is asked for anew. */
export function part<Module>(
  load: () => Promise<Module>,
  loadFrom = (address: string): Promise<Module> => import(/* @vite-ignore */ address),
): () => Promise<Module> {
  let coming: Promise<Module> | null = null;

  // Chromium up to 150 never asks again for an address whose module did not come; it names it in its error.
  const loadElsewhere = (error: unknown): Promise<Module> => {
    const address = MISSED.exec(String(error))?.[1];
    if (!address) throw error;
    return loadFrom(`${address}?again=${++again}`);
  };
  const forget = (error: unknown): never => {
    coming = null;
    throw error;
  };
  return () => (coming ??= load().catch(loadElsewhere).catch(forget));
}
