import { draft } from "../drafting/draft.svelte";

/** Files that were given, until what uploads them is loaded. */
class Intake {
  /** True once a file was given in this visit. */
  wasUsed = $state(false);
  private files = $state.raw<readonly File[]>([]);

  get isEmpty(): boolean {
    return this.files.length === 0;
  }

  add(files: readonly File[]): void {
    this.wasUsed = true;
    this.files = [...this.files, ...files];
    draft.isUploading = true;
  }

  /** Hand them over: they are in here no more. */
  take(): readonly File[] {
    const { files } = this;
    this.files = [];
    return files;
  }
}

export const intake = new Intake();
