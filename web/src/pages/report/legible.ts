/** Text of customers and models made harmless to the eye: nothing hides, and nothing turns the text around it. */

export interface Piece {
  text: string;
  /** What stands here instead of a character that is not seen, such as `U+202E`. */
  hidden: boolean;
}

// Controls other than tab and line feed, marks of direction, zero-width characters, tags and lone surrogates.
const UNSEEN =
  // eslint-disable-next-line no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

const named = (character: string): string =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;

/** The text in pieces, with a readable code in the place of every character that cannot be seen. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index), hidden: false });
    found.push({ text: named(match[0]), hidden: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), hidden: false });
  return found;
}

/** The text on one line, with `\ufffd` in the place of what cannot be seen: for names in sentences. */
export const legible = (text: string): string => text.replace(UNSEEN, "\ufffd").replace(/\s+/g, " ").trim();

export function shortened(text: string, letters: number): string {
  const all = [...text];
  return all.length <= letters
    ? text
    : `${all
        .slice(0, letters - 1)
        .join("")
        .trimEnd()}…`;
}
