/** Does one thing after the other, whether or not the one before went well. */
export class OneByOne {
  private last: Promise<unknown> = Promise.resolve();
  private left = 0;

  get isBusy(): boolean {
    return this.left > 0;
  }

  async run(act: () => Promise<void>): Promise<void> {
    this.left += 1;
    const done = this.last.then(act);
    this.last = done.catch(() => undefined);
    try {
      await done;
    } finally {
      this.left -= 1;
    }
  }
}
