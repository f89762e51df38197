import type { Match } from "./types";

/** What the reader looks at; the address keeps it, so that a reload and a copied link show the same. */
export class Choice {
  match = $state<Match>("strict");
  model = $state("");
  image = $state(0);
  /** The two models that are compared. */
  pair = $state<[string, string]>(["", ""]);

  /** `start` is what is looked at when the address does not say. */
  constructor(models: readonly string[], images: number, start: { model: string; image: number }) {
    const asked = new URLSearchParams(window.location.search);
    const known = (name: string, other: string | undefined): string => {
      const id = asked.get(name);
      return id !== null && models.includes(id) ? id : (other ?? "");
    };
    const image = Number(asked.get("image") ?? start.image + 1) - 1;
    this.match = asked.get("match") === "relaxed" ? "relaxed" : "strict";
    this.model = known("model", start.model);
    this.image = Number.isInteger(image) && image >= 0 && image < images ? image : start.image;
    this.pair = [known("first", models[0]), known("second", models[1])];
  }

  judge(match: Match): void {
    this.match = match;
    keep({ match: match === "strict" ? null : match });
  }

  look(model: string, image: number): void {
    this.model = model;
    this.image = image;
    keep({ model, image: String(image + 1) });
  }

  compare(first: string, second: string): void {
    this.pair = [first, second];
    keep({ first, second });
  }
}

function keep(values: Record<string, string | null>): void {
  const address = new URL(window.location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === null) address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  window.history.replaceState(window.history.state, "", address);
}
