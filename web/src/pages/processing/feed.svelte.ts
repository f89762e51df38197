import { api, ApiError, ask, type Report } from "$api/client";
import { hasEnded } from "./standing";

/** `polling`: no stream comes through, but asking now and then works. */
export type Link = "connecting" | "connected" | "polling" | "reconnecting";
/** Why there is nothing to watch: signed out, or no such report of theirs. */
export type Refusal = "signed-out" | "missing";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;
// The server is never silent this long unless nothing moves: then it is asked once more.
const SILENCE_MS = 20_000;
// A stream that has not opened by then hangs somewhere on its way.
const OPENING_MS = 10_000;
const FAILURES_BEFORE_POLLING = 3;
const EVENTS = ["snapshot", "progress", "complete"];

/**
 * A report as it moves: the server's events, kept coming.
 *
 * Each connection begins with a plain look, which says what an event stream cannot (signed out, no such report)
 * and keeps the page going, if slower, where something on the way lets no stream through.
 */
export class Feed {
  report = $state.raw<Report | null>(null);
  link = $state<Link>("connecting");
  refusal = $state<Refusal | null>(null);
  /** How far the server's clock is ahead of this machine's. */
  clock_offset_ms = $state(0);

  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #heard_at_ms = 0;
  #round = 0;

  constructor(
    readonly report_id: string,
    private readonly onReport: (report: Report) => void,
  ) {}

  /** Watch until the report ends or the page goes; return what stops it. */
  start(): () => void {
    const abort = new AbortController();
    const { signal } = abort;
    addEventListener("online", () => void this.#begin(), { signal });
    addEventListener("offline", () => this.#lost(), { signal });
    addEventListener("pageshow", (event) => event.persisted && void this.#begin(), { signal });
    document.addEventListener("visibilitychange", () => this.#onVisible(), { signal });
    void this.#begin();
    return () => {
      abort.abort();
      this.#stop();
    };
  }

  /** Ask once how the report stands; raises ApiError. */
  async look(): Promise<void> {
    const answer = api.GET("/api/reports/{report_id}", { params: { path: { report_id: this.report_id } } });
    const asked_at_ms = Date.now();
    const report = (await ask(answer)) as unknown as Report;
    const date = Date.parse((await answer).response.headers.get("Date") ?? "");
    if (!Number.isNaN(date)) this.clock_offset_ms = date - asked_at_ms;
    this.#receive(report);
  }

  async #begin(): Promise<void> {
    this.#stop();
    const round = ++this.#round;
    try {
      await this.look();
    } catch (error) {
      if (round === this.#round) this.#onRefused(error);
      return;
    }
    if (round !== this.#round) return;
    if (this.#isOver()) return;
    if (this.#failures >= FAILURES_BEFORE_POLLING) this.link = "polling";
    this.#open();
  }

  #open(): void {
    const source = new EventSource(`/api/reports/${this.report_id}/events`);
    this.#source = source;
    this.#after(OPENING_MS, () => this.#again());
    source.onopen = () => this.#onHeard();
    // The browser would try again later, if at all: after an error such as a 502 it gives up for good.
    source.onerror = () => this.#again();
    for (const name of EVENTS) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.#onHeard();
        this.#receive(JSON.parse(event.data) as Report);
      });
    }
  }

  #receive(report: Report): void {
    this.report = report;
    this.onReport(report);
    if (this.#isOver()) this.#stop();
  }

  #onHeard(): void {
    this.link = "connected";
    this.#failures = 0;
    this.#heard_at_ms = Date.now();
    this.#after(SILENCE_MS, () => void this.#begin());
  }

  /** A stream through a connection that is gone may take minutes to notice. */
  #lost(): void {
    if (this.#isOver()) return;
    this.link = "reconnecting";
    this.#again();
  }

  #again(): void {
    this.#stop();
    if (this.link !== "polling") this.link = "reconnecting";
    const wait_ms = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS);
    this.#after(wait_ms * (0.75 + Math.random() / 2), () => void this.#begin());
  }

  #onRefused(error: unknown): void {
    const status = error instanceof ApiError ? error.status : 0;
    if (status === 401) this.refusal = "signed-out";
    else if (status === 404 || status === 422) this.refusal = "missing";
    else this.#lost();
  }

  #onVisible(): void {
    const silent_ms = Date.now() - this.#heard_at_ms;
    if (document.visibilityState === "visible" && silent_ms > SILENCE_MS && !this.#isOver())
      void this.#begin();
  }

  #isOver(): boolean {
    return this.refusal !== null || (this.report !== null && hasEnded(this.report));
  }

  #after(wait_ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, wait_ms);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#round++;
  }
}
