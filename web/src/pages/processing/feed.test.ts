import { api } from "$api/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Feed } from "./feed.svelte";
import { report } from "./sample";

class Source extends EventTarget {
  static readonly CLOSED = 2;
  static opened: Source[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    Source.opened.push(this);
  }

  close(): void {
    this.readyState = Source.CLOSED;
  }

  send(name: string, body: object): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(body) }));
  }

  fail(readyState: number): void {
    this.readyState = readyState;
    this.onerror?.();
  }
}

const answer = (status: number, body: object) => {
  const response = new Response(null, { status });
  return response.ok ? { data: body, response } : { error: body, response };
};
let answers: ReturnType<typeof answer>[] = [];
const newest = () => Source.opened.at(-1)!;
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  Source.opened = [];
  answers = [answer(200, report())];
  vi.stubGlobal("EventSource", Source);
  const next = () => Promise.resolve(answers.length > 1 ? answers.shift() : answers[0]);
  vi.spyOn(api, "GET").mockImplementation(next as unknown as typeof api.GET);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function started(): Promise<Feed> {
  const feed = new Feed("019a", () => undefined);
  feed.start();
  await settle();
  return feed;
}

test("events move the report until it ends", async () => {
  const feed = await started();
  expect(feed.link).toBe("connecting");
  newest().onopen?.();
  expect(feed.link).toBe("connected");
  newest().send("progress", report({ completed_jobs: 7 }));
  expect(feed.report?.completed_jobs).toBe(7);
  newest().send("complete", report({ status: "complete" }));
  expect(newest().readyState).toBe(Source.CLOSED);
});

test("a stream that hangs while it opens is given up", async () => {
  await started();
  await vi.advanceTimersByTimeAsync(12_000);
  expect(Source.opened).toHaveLength(2);
  expect(Source.opened[0]!.readyState).toBe(Source.CLOSED);
});

test.each([0, Source.CLOSED])(
  "a stream that is cut (state %i) is followed by a new one",
  async (readyState) => {
    const feed = await started();
    newest().fail(readyState);
    expect(feed.link).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Source.opened).toHaveLength(2);
    newest().onopen?.();
    expect(feed.link).toBe("connected");
  },
);

test("without streams the page goes on by asking", async () => {
  const feed = await started();
  answers = [answer(200, report({ completed_jobs: 20 }))];
  for (let tries = 0; tries < 4; tries++) {
    newest().fail(Source.CLOSED);
    await vi.advanceTimersByTimeAsync(7_000);
  }
  expect(feed.report?.completed_jobs).toBe(20);
  expect(feed.link).toBe("polling");
});

test("a server that is away is asked again until it answers", async () => {
  answers = [answer(502, {}), answer(502, {}), answer(200, report())];
  const feed = await started();
  expect(feed.link).toBe("reconnecting");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(Source.opened).toHaveLength(1);
});

test("silence is broken by asking, and the stream is a new one", async () => {
  await started();
  newest().onopen?.();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(Source.opened).toHaveLength(2);
  expect(Source.opened[0]!.readyState).toBe(Source.CLOSED);
});

test.each([
  [401, "signed-out"],
  [404, "missing"],
  [422, "missing"],
])("an answer of %i ends it: %s", async (status, refusal) => {
  answers = [answer(status, { title: "No", status })];
  const feed = await started();
  expect(feed.refusal).toBe(refusal);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Source.opened).toHaveLength(0);
});

test("what has ended before is not watched", async () => {
  answers = [answer(200, report({ status: "partial" }))];
  await started();
  expect(Source.opened).toHaveLength(0);
});
