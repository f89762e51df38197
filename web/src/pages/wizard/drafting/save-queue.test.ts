import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "$api/client";
import { SaveQueue, type SaveState } from "./save-queue";

let sent: [string, unknown][] = [];
let answers: (() => Promise<void>)[] = [];
let states: SaveState[] = [];
let refused: string[] = [];
let queue: SaveQueue;

const refusal =
  (status: number, retryAfterS: number | null = null) =>
  () =>
    Promise.reject(new ApiError({ title: "no", status }, retryAfterS));

beforeEach(() => {
  vi.useFakeTimers();
  [sent, answers, states, refused] = [[], [], [], []];
  queue = new SaveQueue({
    send: (key, value) => {
      sent.push([key, value]);
      return answers.shift()?.() ?? Promise.resolve();
    },
    refused: (key) => refused.push(key),
    blocked: () => undefined,
    changed: (state) => states.push(state),
  });
});
afterEach(() => vi.useRealTimers());

it("waits for a pause in typing and sends the latest value only", async () => {
  for (const value of ["a", "ab", "abc"]) queue.put("name", value, 500);
  await vi.advanceTimersByTimeAsync(499);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([["name", "abc"]]);
  expect(states.at(-1)).toBe("saved");
});

it("has one request of a key in flight, and several keys", async () => {
  let finish = () => {};
  answers = [() => new Promise<void>((resolve) => (finish = resolve))];
  queue.put("name", 1, 0);
  await vi.advanceTimersByTimeAsync(1);
  queue.put("name", 2, 0);
  queue.put("name", 3, 0);
  queue.put("prompt", "x", 0);
  await vi.advanceTimersByTimeAsync(50);
  expect(sent).toEqual([
    ["name", 1],
    ["prompt", "x"],
  ]);
  finish();
  await vi.advanceTimersByTimeAsync(1);
  expect(sent.at(-1)).toEqual(["name", 3]);
  expect(queue.state).toBe("saved");
});

it("tries again with longer and longer pauses until the connection is back", async () => {
  answers = [refusal(0), refusal(503), refusal(0)];
  queue.put("name", "a", 0);
  await vi.advanceTimersByTimeAsync(10);
  expect(queue.state).toBe("failing");
  await vi.advanceTimersByTimeAsync(1000 + 2000 + 4000);
  expect(sent).toHaveLength(4);
  expect(queue.state).toBe("saved");
});

it("sends what was typed while it failed, and only that, as soon as it is told to retry", async () => {
  answers = [refusal(0)];
  queue.put("name", "old", 0);
  await vi.advanceTimersByTimeAsync(10);
  queue.put("name", "new", 0);
  queue.retry();
  await vi.advanceTimersByTimeAsync(1);
  expect(sent.slice(1)).toEqual([["name", "new"]]);
});

it("waits as long as the server asks", async () => {
  answers = [refusal(429, 20)];
  queue.put("name", "a", 0);
  await vi.advanceTimersByTimeAsync(19_000);
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1500);
  expect(sent).toHaveLength(2);
});

it("stops at a locked draft and goes on where it was", async () => {
  answers = [refusal(409)];
  queue.put("name", "a", 0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([queue.state, sent.length]).toEqual(["blocked", 1]);
  queue.resume();
  await vi.advanceTimersByTimeAsync(1);
  expect([queue.state, sent.length]).toEqual(["saved", 2]);
});

it("gives up a value that the server will never take", async () => {
  answers = [refusal(422)];
  queue.put("name", "a", 0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([refused, sent.length, queue.state]).toEqual([["name"], 1, "saved"]);
});

it("flushes at once, and says whether everything arrived", async () => {
  queue.put("name", "a", 10_000);
  expect(await queue.flush()).toBe(true);
  answers = [refusal(0)];
  queue.put("name", "b", 10_000);
  expect(await queue.flush()).toBe(false);
  expect(
    await new SaveQueue({ send: vi.fn(), refused: vi.fn(), blocked: vi.fn(), changed: vi.fn() }).flush(),
  ).toBe(true);
});
