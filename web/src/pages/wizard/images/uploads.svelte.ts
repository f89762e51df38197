import { ApiError, type DraftImage } from "$api/client";
import { signInFirst } from "$lib/session.svelte";
import { announcer } from "../announcer.svelte";
import { draft } from "../drafting/draft.svelte";
import { expectedKey } from "../drafting/fields";
import { editJson } from "../json/edit";
import { EXPECTED, lint } from "../json/lint";
import { MAX_IMAGES, TOO_MANY } from "../limits";
import { inNameOrder, whyNot } from "./checks";
import { nameOf, rememberName } from "./file-names";
import { pairFiles } from "./pairing";
import { sendImage } from "./send";

export interface Upload {
  key: number;
  name: string;
  state: "waiting" | "sending" | "pausing" | "failed";
  /** How much of the file has arrived, 0 to 1. */
  share: number;
  error: string;
  canRetry: boolean;
  previewUrl: string | null;
}

interface Cargo {
  file: File;
  text: string;
  abort: AbortController;
}

const AT_ONCE = 2;
/** Longer waits are left to the customer. */
const LONGEST_PAUSE_S = 90;
const PAUSE_S = 5;

/** Files on their way to the server, at most two at a time. */
class Uploads {
  list = $state<Upload[]>([]);
  /** What an uploaded image looks like until it came back from the server, by its id. */
  previews = $state<Record<string, string>>({});

  private readonly cargo = new Map<number, Cargo>();
  private readonly order: string[] = [];
  private nextKey = 1;

  get isBusy(): boolean {
    return this.list.some(({ state }) => state !== "failed");
  }

  /** Take dropped, pasted or picked files: images to upload, JSON to fill in. */
  async add(given: readonly File[]): Promise<void> {
    const files = inNameOrder(given);
    const names = new Map<string, string>();
    for (const { id } of draft.images) names.set(id, nameOf(id) ?? "");
    const { uploads, fills, strays } = pairFiles(files, names);
    for (const { imageId, json } of fills) editJson(expectedKey(imageId), await json.text());
    for (const { image, json } of uploads) this.enqueue(image, json ? await json.text() : "");
    for (const stray of strays)
      this.refuse(stray, `No image here is called "${stray.name.replace(/\.json$/i, "")}".`);
    if (fills.length) announcer.say(`Filled in the expected JSON of ${fills.length} of the images.`);
    this.tell();
    await this.sendNext();
  }

  retry(key: number): void {
    this.change(key, { state: "waiting", error: "", share: 0 });
    void this.sendNext();
  }

  dismiss(key: number): void {
    const upload = this.find(key);
    this.cargo.get(key)?.abort.abort();
    this.cargo.delete(key);
    if (upload?.previewUrl) URL.revokeObjectURL(upload.previewUrl);
    this.list = this.list.filter((each) => each.key !== key);
    this.tell();
    void this.sendNext();
  }

  /** Let go of a local picture, now that the server's is there. */
  dropPreview(imageId: string): void {
    const url = this.previews[imageId];
    if (url) URL.revokeObjectURL(url);
    delete this.previews[imageId];
  }

  /** Let the rest of the page know, which works without what uploads need. */
  private tell(): void {
    draft.isUploading = this.isBusy;
  }

  private find = (key: number): Upload | undefined => this.list.find((each) => each.key === key);

  private change(key: number, change: Partial<Upload>): void {
    const upload = this.find(key);
    if (upload) Object.assign(upload, change);
    this.tell();
  }

  private enqueue(file: File, text: string): void {
    const reason = whyNot(file) ?? (this.isFull() ? TOO_MANY : null);
    if (reason) {
      this.refuse(file, reason);
      return;
    }
    const key = this.nextKey++;
    this.cargo.set(key, { file, text, abort: new AbortController() });
    const previewUrl = URL.createObjectURL(file);
    this.list.push({
      key,
      name: file.name,
      state: "waiting",
      share: 0,
      error: "",
      canRetry: true,
      previewUrl,
    });
    this.tell();
  }

  private isFull(): boolean {
    return draft.images.length + this.list.filter(({ state }) => state !== "failed").length >= MAX_IMAGES;
  }

  private refuse(file: File, error: string): void {
    const key = this.nextKey++;
    this.list.push({
      key,
      name: file.name,
      state: "failed",
      share: 0,
      error,
      canRetry: false,
      previewUrl: null,
    });
    announcer.say(`${file.name}: ${error}`);
  }

  private async sendNext(): Promise<void> {
    if (!this.list.some(({ state }) => state === "waiting")) return;
    const draftId = await draft.begin();
    for (const upload of this.list) {
      const sending = this.list.filter(({ state }) => state === "sending").length;
      if (sending >= AT_ONCE) return;
      if (upload.state !== "waiting") continue;
      if (draftId) void this.send(upload.key, draftId);
      else this.change(upload.key, { state: "failed", error: "The server could not be reached." });
    }
  }

  private async send(key: number, draftId: string): Promise<void> {
    const cargo = this.cargo.get(key);
    if (!cargo) return;
    this.change(key, { state: "sending", share: 0 });
    const { file, text, abort } = cargo;
    const expected = text && lint(text, EXPECTED).isSound ? text : "";
    const onProgress = (share: number) => this.change(key, { share });
    try {
      this.arrived(key, await sendImage({ draftId, file, expected, onProgress }, abort.signal), cargo);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!abort.signal.aborted) this.fail(key, error);
    }
    await this.sendNext();
  }

  private arrived(key: number, image: DraftImage, { file, text }: Cargo): void {
    const upload = this.find(key);
    if (upload?.previewUrl) this.previews[image.id] = upload.previewUrl;
    rememberName(image.id, file.name);
    this.cargo.delete(key);
    this.list = this.list.filter((each) => each.key !== key);
    this.tell();
    draft.addImage(image);
    // What has an error was not sent along.
    if (text && image.expected_json === null) editJson(expectedKey(image.id), text);
    this.order[key] = image.id;
    announcer.say(`${file.name} is uploaded. ${draft.images.length} of ${MAX_IMAGES} images.`);
    if (!this.isBusy) void this.putInOrder();
  }

  /** Two uploads overtake each other now and then; the images stand as they were given. */
  private async putInOrder(): Promise<void> {
    const given = this.order.splice(0).filter(Boolean);
    const present = draft.images.map(({ id }) => id);
    const first = present.length - given.length;
    if (given.some((id) => !present.includes(id))) return;
    for (const [offset, id] of given.entries())
      if (draft.images[first + offset]?.id !== id)
        await draft.moveImage(id, first + offset).catch(() => undefined);
  }

  private fail(key: number, error: ApiError): void {
    if (error.status === 401) signInFirst();
    if (error.status === 409) void draft.blockedBy(error);
    const wait_s = error.status === 429 || error.status === 503 ? (error.retryAfterS ?? PAUSE_S) : null;
    if (wait_s !== null && wait_s <= LONGEST_PAUSE_S) this.pause(key, wait_s);
    else this.stop(key, error, wait_s);
  }

  private pause(key: number, wait_s: number): void {
    this.change(key, {
      state: "pausing",
      error: `The server is busy. This goes on in ${wait_s} s by itself.`,
    });
    setTimeout(() => this.find(key)?.state === "pausing" && this.retry(key), wait_s * 1000);
  }

  private stop(key: number, error: ApiError, wait_s: number | null): void {
    const later = wait_s === null ? "" : ` Try again in ${Math.ceil(wait_s / 60)} minutes.`;
    const canRetry = ![413, 415, 422].includes(error.status);
    this.change(key, { state: "failed", error: error.message + later, canRetry });
    announcer.say(`${this.find(key)?.name}: ${error.message}${later}`);
  }
}

export const uploads = new Uploads();
