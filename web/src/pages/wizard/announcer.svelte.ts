/** What screen readers are told, politely, of what happens elsewhere on the page. */
class Announcer {
  text = $state("");

  say(text: string): void {
    // The same sentence twice is only heard twice when the text differs.
    this.text = text === this.text ? `${text}\u00a0` : text;
  }
}

export const announcer = new Announcer();
