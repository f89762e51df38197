import { ApiError } from "$api/client";

export type SaveState = "saved" | "saving" | "failing" | "blocked";

export interface Actions {
  send(key: string, value: unknown): Promise<void>;
  /** The server will never take this value: 413 or 422. */
  refused(key: string, error: ApiError): void;
  /** Nothing is taken for now, whatever it is: 401, 404 or 409. */
  blocked(error: ApiError): void;
  changed(state: SaveState): void;
}

interface Group {
  /** Not sent yet; only the latest value of a key ever is. */
  waiting: { value: unknown } | null;
  isSending: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
  failures: number;
}

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
const BLOCKING = [401, 403, 404, 409];
const REFUSING = [400, 413, 422];

/** Saves the latest value of each key, one request a key at a time, until the server has it. */
export class SaveQueue {
  private readonly groups = new Map<string, Group>();
  private isBlocked = false;
  private idle: (() => void)[] = [];

  constructor(private readonly actions: Actions) {}

  get state(): SaveState {
    if (this.groups.size === 0) return "saved";
    if (this.isBlocked) return "blocked";
    return [...this.groups.values()].some((group) => group.failures > 0) ? "failing" : "saving";
  }

  has(key: string): boolean {
    return this.groups.has(key);
  }

  put(key: string, value: unknown, delayMs: number): void {
    const group = this.groups.get(key) ?? { waiting: null, isSending: false, timer: undefined, failures: 0 };
    this.groups.set(key, group);
    group.waiting = { value };
    if (group.failures === 0) this.schedule(key, group, delayMs);
    this.tell();
  }

  /** Forget what is not sent yet: it is not wanted any more. */
  drop(key: string): void {
    const group = this.groups.get(key);
    if (!group) return;
    clearTimeout(group.timer);
    group.waiting = null;
    if (!group.isSending) this.groups.delete(key);
    this.tell();
  }

  /** Send everything now. Resolves to whether the server has it all. */
  async flush(): Promise<boolean> {
    this.sendAll();
    await new Promise<void>((resolve) => {
      this.idle.push(resolve);
      this.tell();
    });
    return this.groups.size === 0;
  }

  /** Go on after what blocked the queue is over. */
  resume(): void {
    this.isBlocked = false;
    this.sendAll();
    this.tell();
  }

  /** Try again now what is waiting for a retry, as the connection came back. */
  retry(): void {
    if (!this.isBlocked) this.sendAll();
  }

  private sendAll(): void {
    if (this.isBlocked) return;
    for (const [key, group] of this.groups) void this.run(key, group);
  }

  private schedule(key: string, group: Group, delayMs: number): void {
    clearTimeout(group.timer);
    group.timer = setTimeout(() => void this.run(key, group), delayMs);
  }

  private async run(key: string, group: Group): Promise<void> {
    const next = group.waiting;
    if (group.isSending || this.isBlocked || !next) return;
    clearTimeout(group.timer);
    group.isSending = true;
    group.waiting = null;
    try {
      await this.actions.send(key, next.value);
      group.failures = 0;
    } catch (error) {
      this.fail(key, group, next, error);
    }
    group.isSending = false;
    this.settle(key, group);
  }

  private fail(key: string, group: Group, sent: { value: unknown }, error: unknown): void {
    if (!(error instanceof ApiError)) throw error;
    if (REFUSING.includes(error.status)) {
      group.failures = 0;
      this.actions.refused(key, error);
      return;
    }
    group.waiting ??= sent;
    if (BLOCKING.includes(error.status)) {
      this.isBlocked = true;
      this.actions.blocked(error);
      return;
    }
    group.failures += 1;
    this.schedule(key, group, retryDelayMs(group.failures, error.retryAfterS));
  }

  private settle(key: string, group: Group): void {
    if (!group.waiting) this.groups.delete(key);
    else if (group.failures === 0 && !this.isBlocked) this.schedule(key, group, 0);
    this.tell();
  }

  private tell(): void {
    this.actions.changed(this.state);
    if (this.isAtRest) for (const resolve of this.idle.splice(0)) resolve();
  }

  /** True when nothing more is sent without a pause. */
  private get isAtRest(): boolean {
    const groups = [...this.groups.values()];
    return groups.every((group) => !group.isSending && (this.isBlocked || group.failures > 0));
  }
}

function retryDelayMs(failures: number, retryAfterS: number | null): number {
  const backoff_ms = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  return Math.max(backoff_ms, (retryAfterS ?? 0) * 1000);
}
