/** What the server does not have yet, in this browser, so that neither a reload nor a crash loses it. */

interface Entry {
  value: unknown;
  /** What the server had, or may have been given, when this was written. */
  bases: string[];
  at: number;
  /** Whether the server would take it. */
  isSound: boolean;
}

const PREFIX = "modelpick:unsaved";
/** Edits that no draft was made for yet. */
export const NEW = "new";

export class Kept {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly storage: Storage | null,
    private readonly draftId: string,
  ) {
    for (const [key, entry] of stored(storage, this.address(""))) this.entries.set(key, entry);
  }

  /** False where the browser refuses to store anything. */
  get isSafe(): boolean {
    return this.storage !== null;
  }

  get fields(): string[] {
    return [...this.entries.keys()];
  }

  has(field: string): boolean {
    return this.entries.has(field);
  }

  value(field: string): unknown {
    return this.entries.get(field)?.value;
  }

  /** Say whether the server would take what is kept; true where nothing is. */
  isSound(field: string): boolean {
    return this.entries.get(field)?.isSound !== false;
  }

  /** Keep an edit made on top of what the server has, `base`. */
  put(field: string, value: unknown, base: string, isSound = true): void {
    const bases = this.entries.get(field)?.bases ?? [digest(base)];
    this.write(field, { value, bases, at: Date.now(), isSound });
  }

  /** Note that the server may have this by now, whether or not its answer arrives. */
  sent(field: string, value: string): void {
    const entry = this.entries.get(field);
    if (entry) this.write(field, { ...entry, bases: [...entry.bases.slice(-3), digest(value)] });
  }

  drop(field: string): void {
    this.entries.delete(field);
    this.attempt((storage) => storage.removeItem(this.address(field)));
  }

  /** Say whether an edit still counts: nobody else changed the field since, or it was changed before. */
  counts(field: string, serverValue: string, serverChangedAt: string): boolean {
    const entry = this.entries.get(field);
    if (!entry) return false;
    return entry.bases.includes(digest(serverValue)) || entry.at > Date.parse(serverChangedAt);
  }

  private write(field: string, entry: Entry): void {
    this.entries.set(field, entry);
    this.attempt((storage) => storage.setItem(this.address(field), JSON.stringify(entry)));
  }

  private address(field: string): string {
    return `${PREFIX}:${this.draftId}:${field}`;
  }

  private attempt(act: (storage: Storage) => void): void {
    try {
      if (this.storage) act(this.storage);
    } catch {
      return; // it is full: the edit lives as long as the page
    }
  }
}

function* stored(storage: Storage | null, beginning: string): Generator<[string, Entry]> {
  for (const key of storage ? Object.keys(storage) : []) {
    if (!key.startsWith(beginning)) continue;
    const entry = parsed(storage?.getItem(key));
    if (entry) yield [key.slice(beginning.length), entry];
  }
}

function parsed(text: string | null | undefined): Entry | null {
  try {
    const entry = JSON.parse(text ?? "null") as Entry | null;
    return entry && Array.isArray(entry.bases) ? entry : null;
  } catch {
    return null;
  }
}

export function localStore(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null; // storage is switched off
  }
}

/** FNV-1a with the length: told apart need be a few versions of one field. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return `${text.length}:${(hash >>> 0).toString(36)}`;
}
