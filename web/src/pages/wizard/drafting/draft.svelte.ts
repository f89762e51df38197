import { ApiError, type Draft, type DraftImage } from "$api/client";
import { session } from "$lib/session.svelte";
import { written, type Problem } from "../json/values";
import { EstimateStore } from "./estimate.svelte";
import {
  expectedKey,
  FIELDS,
  FIRST_VALUES,
  imageIdIn,
  isField,
  meaning,
  pauseMs,
  valuesOf,
  type Values,
} from "./fields";
import { Kept, localStore, NEW } from "./kept";
import { OneByOne } from "./one-by-one";
import { OnServer } from "./on-server";
import * as requests from "./requests";
import { SaveQueue, type SaveState } from "./save-queue";

export type Lock = "order" | "paid" | "gone" | "signed_out";

const LOCKS: Record<number, Lock> = { 401: "signed_out", 404: "gone", 409: "order" };
const REFRESH_PAUSE_MS = 250;
const BEGIN_RETRY_MS = 3000;

/** The draft as its customer sees it: what the server has, with what it does not have yet on top. */
export class DraftStore {
  id = $state<string | null>(null);
  values = $state<Values>({ ...FIRST_VALUES });
  images = $state.raw<DraftImage[]>([]);
  /** The text of each image's expected JSON, by the image's id. */
  expected = $state<Record<string, string>>({});
  problems = $state.raw<Problem[]>([]);
  status = $state<Draft["status"]>("draft");
  queueState = $state<SaveState>("saved");
  /** Why nothing can be changed now. */
  lock = $state<Lock | null>(null);
  /** What the server said of values that it will never take, by their key. */
  refusals = $state<Record<string, string>>({});
  /** Kept in this browser alone, as the server would not take it. */
  unsound = $state<string[]>([]);
  /** True while images are on their way, which only this page has. */
  isUploading = $state(false);
  readonly estimate = new EstimateStore();
  onBegun: (id: string) => void = () => undefined;

  private kept = new Kept(localStore(), NEW);
  private readonly onServer = new OnServer();
  private readonly moves = new OneByOne();
  private readonly queue = new SaveQueue({
    send: (key, value) => this.send(key, value),
    refused: (key, error) => this.refuse(key, error),
    blocked: (error) => void this.blockedBy(error),
    changed: (state) => (this.queueState = state),
  });
  private beginning: Promise<string | null> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;
  private taken = 0;

  /** True when closing the page would lose something. */
  get wouldLose(): boolean {
    return (
      this.isUploading || this.queueState === "failing" || (this.queueState !== "saved" && !this.kept.isSafe)
    );
  }

  /** True when something was edited here before there was a draft. */
  get hasNews(): boolean {
    return this.id === null && this.kept.fields.length > 0;
  }

  showNews(): void {
    for (const key of this.kept.fields) this.show(key, this.kept.value(key));
  }

  async load(id: string): Promise<void> {
    this.adopt(await requests.getDraft(id));
  }

  /** Take an edit. What is not sound, the server would not take: it stays in this browser. */
  edit(key: string, value: unknown, isSound = true): void {
    this.show(key, value);
    this.kept.put(key, value, this.onServer.get(key) ?? "", isSound);
    delete this.refusals[key];
    if (key !== "name") this.estimate.expectChange();
    if (this.id) this.enqueue(key, value, pauseMs(key));
    else void this.begin();
  }

  /** Make the draft on the server, once, with what was edited so far. Null for a visitor, or offline. */
  async begin(): Promise<string | null> {
    if (this.id) return this.id;
    if (!session.user) return null;
    this.beginning ??= this.create();
    const id = await this.beginning;
    this.beginning = null;
    return id;
  }

  /** Send everything that is not saved yet. Resolves to whether the server has it all. */
  async flush(): Promise<boolean> {
    return (await this.queue.flush()) && this.unsound.length === 0;
  }

  retry(): void {
    this.queue.retry();
    if (this.hasNews) void this.begin();
  }

  unlock(): void {
    this.lock = null;
    this.queue.resume();
    this.refreshSoon();
  }

  addImage(image: DraftImage): void {
    this.onServer.noteImage(image);
    this.expected[image.id] = written(image.expected_json);
    this.images = [...this.images, image];
    this.refreshSoon();
  }

  async removeImage(imageId: string): Promise<void> {
    this.queue.drop(expectedKey(imageId));
    await this.change((id) => requests.deleteImage(id, imageId));
    this.kept.drop(expectedKey(imageId));
    this.images = this.images.filter((image) => image.id !== imageId);
    this.weigh();
  }

  async moveImage(imageId: string, position: number): Promise<void> {
    const before = this.images;
    const moved = before.find((image) => image.id === imageId);
    if (!moved) return;
    const others = before.filter((image) => image !== moved);
    this.images = [...others.slice(0, position), moved, ...others.slice(position)];
    try {
      // A position counts from the order that the move before it left.
      await this.moves.run(() => this.change((id) => requests.moveImage(id, imageId, position)));
    } catch (error) {
      this.images = before;
      throw error;
    }
  }

  /** Ask the server again what it has, in a moment. */
  refreshSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), REFRESH_PAUSE_MS);
  }

  async refresh(): Promise<void> {
    if (!this.id) return;
    const ticket = ++this.asked;
    try {
      const draft = await requests.getDraft(this.id);
      this.take(draft, ticket);
    } catch (error) {
      if (error instanceof ApiError && [401, 404].includes(error.status)) await this.blockedBy(error);
    }
  }

  /** Find out why the server refuses changes. */
  async blockedBy(error: ApiError): Promise<void> {
    this.lock = LOCKS[error.status] ?? this.lock;
    if (error.status === 409) await this.refresh();
  }

  private async change(act: (id: string) => Promise<unknown>): Promise<void> {
    try {
      if (this.id) await act(this.id);
    } catch (error) {
      if (error instanceof ApiError) await this.blockedBy(error);
      throw error;
    }
    this.refreshSoon();
  }

  private async create(): Promise<string | null> {
    try {
      const draft = await requests.createDraft();
      const news = this.kept;
      const edits = news.fields.map((key) => ({ key, value: news.value(key), isSound: news.isSound(key) }));
      this.adopt(draft);
      for (const { key, value, isSound } of edits) {
        this.edit(key, value, isSound);
        news.drop(key);
      }
      this.onBegun(draft.id);
      return draft.id;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.queueState = "failing";
      if (error.status === 401) this.lock = "signed_out";
      else setTimeout(() => void this.begin(), BEGIN_RETRY_MS);
      return null;
    }
  }

  private adopt(draft: Draft): void {
    this.kept = new Kept(localStore(), draft.id);
    this.id = draft.id;
    this.expected = {};
    this.estimate.clear();
    this.lock = null;
    this.onServer.note(draft);
    for (const key of this.kept.fields) this.restore(key, draft);
    this.take(draft, ++this.asked);
    this.weigh();
  }

  /** Go on with an edit of an earlier visit that the server did not get. */
  private restore(key: string, draft: Draft): void {
    const value = this.kept.value(key);
    const onServer = this.onServer.get(key);
    const isKnown = onServer !== undefined && onServer !== meaning(key, value);
    if (!isKnown || !this.kept.counts(key, onServer, draft.updated_at)) {
      this.kept.drop(key);
      return;
    }
    this.show(key, value);
    this.enqueue(key, value, 0);
  }

  private take(draft: Draft, ticket: number): void {
    if (draft.id !== this.id || ticket < this.taken) return;
    this.taken = ticket;
    this.onServer.note(draft);
    this.problems = draft.problems;
    this.status = draft.status;
    if (draft.status === "paid") this.lock = "paid";
    if (!this.moves.isBusy) this.images = draft.images;
    const values = valuesOf(draft);
    for (const field of FIELDS) this.showUnlessEdited(field, values[field]);
    for (const { id, expected_json } of draft.images)
      this.showUnlessEdited(expectedKey(id), written(expected_json));
    this.estimate.refreshSoon(draft.id);
  }

  private showUnlessEdited(key: string, value: unknown): void {
    if (this.kept.has(key) || this.queue.has(key)) return;
    const imageId = imageIdIn(key);
    const shown = imageId === null ? this.values[key as keyof Values] : this.expected[imageId];
    if (shown === undefined || meaning(key, shown) !== meaning(key, value)) this.show(key, value);
  }

  private show(key: string, value: unknown): void {
    const imageId = imageIdIn(key);
    if (imageId !== null) this.expected[imageId] = String(value);
    else if (isField(key)) Object.assign(this.values, { [key]: value });
  }

  private enqueue(key: string, value: unknown, delayMs: number): void {
    if (this.kept.isSound(key)) this.queue.put(key, value, delayMs);
    else this.queue.drop(key);
    this.weigh();
  }

  private weigh(): void {
    this.unsound = this.kept.fields.filter((key) => !this.kept.isSound(key));
  }

  private async send(key: string, value: unknown): Promise<void> {
    const draftId = this.id;
    if (!draftId) return;
    const ticket = ++this.asked;
    this.kept.sent(key, meaning(key, value));
    const imageId = imageIdIn(key);
    if (imageId !== null) await this.sendExpected(draftId, imageId, String(value));
    const draft = isField(key) ? await requests.changeField(draftId, key, value) : null;
    this.onServer.set(key, meaning(key, value));
    if (JSON.stringify(this.kept.value(key)) === JSON.stringify(value)) this.kept.drop(key);
    this.weigh();
    if (draft) this.take(draft, ticket);
    else this.refreshSoon();
  }

  private async sendExpected(draftId: string, imageId: string, text: string): Promise<void> {
    try {
      await requests.changeExpected(draftId, imageId, text);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      await this.refresh();
      if (this.lock === "gone") throw error;
      // Only the image is gone, deleted here or in another tab, and its JSON with it.
      this.kept.drop(expectedKey(imageId));
    }
  }

  private refuse(key: string, error: ApiError): void {
    this.refusals[key] = error.problem.errors?.[0]?.detail ?? error.message;
    this.weigh();
  }
}

export const draft = new DraftStore();
