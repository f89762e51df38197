/** Reads JSON as the server does, and remembers where in the text each value stands. */

export interface Fault {
  from: number;
  to: number;
  message: string;
  severity: "error" | "warning";
}

/** Where a value stands in its text, by its JSON pointer (RFC 6901). */
export type Places = Map<string, { from: number; to: number }>;

export interface Read {
  faults: Fault[];
  places: Places;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /-?[A-Za-z_]\w*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const UNSTORABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const LITERALS = ["true", "false", "null"];
// Python converts no more digits than these to an integer.
const MAX_DIGITS = 4300;

class Stop extends Error {}

/** Read a text to its end or to its first error; what is found before it is kept. */
export function read(text: string, maxLevels: number): Read {
  const reader = new Reader(text, maxLevels);
  try {
    reader.document();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
  }
  return { faults: reader.faults, places: reader.places };
}

export const escaped = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

class Reader {
  readonly faults: Fault[] = [];
  readonly places: Places = new Map();
  private at = 0;
  private level = 0;

  constructor(
    private readonly text: string,
    private readonly maxLevels: number,
  ) {}

  document(): void {
    this.value("");
    this.space();
    if (this.at < this.text.length) this.stop("Only one value may stand here, and this is after its end.");
  }

  private value(pointer: string): void {
    this.space();
    const from = this.at;
    const first = this.text[from];
    if (first === "{") this.object(pointer);
    else if (first === "[") this.array(pointer);
    else if (first === '"') this.string();
    else this.scalar();
    this.places.set(pointer, { from, to: this.at });
  }

  private object(pointer: string): void {
    const seen = new Set<string>();
    this.open();
    while (!this.closes("}", seen.size > 0)) {
      const from = this.at;
      if (this.text[from] !== '"') this.stop('A key in double quotes, such as "total", is expected here.');
      const key = this.string();
      if (seen.has(key))
        this.fault(`The key ${JSON.stringify(key).slice(0, 80)} is given twice.`, from, this.at);
      seen.add(key);
      this.space();
      if (this.text[this.at] !== ":") this.stop("A colon is missing after the key.");
      this.at += 1;
      this.value(`${pointer}/${escaped(key)}`);
    }
  }

  private array(pointer: string): void {
    this.open();
    for (let index = 0; !this.closes("]", index > 0); index += 1) this.value(`${pointer}/${index}`);
  }

  private open(): void {
    this.level += 1;
    if (this.level > this.maxLevels) this.stop(`The JSON is nested more than ${this.maxLevels} levels deep.`);
    this.at += 1;
  }

  /** Pass the end, or the comma before the next entry. */
  private closes(bracket: string, hasEntries: boolean): boolean {
    this.space();
    if (this.text[this.at] === bracket) {
      this.at += 1;
      this.level -= 1;
      return true;
    }
    if (!hasEntries) return false;
    if (this.text[this.at] !== ",") this.stop(`A comma or ${bracket} is missing here.`);
    this.at += 1;
    this.space();
    if (this.text[this.at] === bracket) this.stop(`A comma must not stand before ${bracket}.`);
    return false;
  }

  private string(): string {
    const from = this.at;
    this.at += 1;
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined || character === "\n") this.stopAt("This text has no closing quote.", from);
      if (character === '"') break;
      if (character === "\\") this.at += this.matched(ESCAPE, "This is no escape that JSON knows.").length;
      else if (character < " ") this.stop("A control character must be escaped.");
      else this.at += 1;
    }
    this.at += 1;
    const value = JSON.parse(this.text.slice(from, this.at)) as string;
    if (UNSTORABLE.test(value)) this.fault("A text holds NUL or half of a surrogate pair.", from, this.at);
    return value;
  }

  private scalar(): void {
    const from = this.at;
    const word = this.match(WORD);
    if (word) {
      this.at += word.length;
      if (/^-?(?:NaN|Infinity)$/.test(word)) this.fault(`${word} is not JSON.`, from, this.at);
      else if (!LITERALS.includes(word))
        this.stopAt(`Text must stand in double quotes: "${word.slice(0, 40)}".`, from);
      return;
    }
    const digits = this.matched(NUMBER, "A value is missing here.");
    this.at += digits.length;
    this.number(digits, from);
  }

  private number(digits: string, from: number): void {
    const whole = /^-?\d+$/.test(digits);
    if (whole && digits.length > MAX_DIGITS) this.fault("A number has too many digits.", from, this.at);
    else if (!whole && !Number.isFinite(Number(digits)))
      this.fault("The number is too large.", from, this.at);
    else if (whole && !Number.isSafeInteger(Number(digits)))
      this.fault(
        "This number has more digits than browsers keep. If it is an identifier, write it as text.",
        from,
        this.at,
        "warning",
      );
  }

  private space(): void {
    while (" \t\r\n".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0];
  }

  private matched(pattern: RegExp, otherwise: string): string {
    return this.match(pattern) ?? this.stop(otherwise);
  }

  private fault(message: string, from: number, to: number, severity: Fault["severity"] = "error"): void {
    this.faults.push({ from, to, message, severity });
  }

  private stopAt(message: string, from: number): never {
    this.fault(message, from, Math.max(from + 1, Math.min(this.at, this.text.length)));
    throw new Stop();
  }

  private stop(message: string): never {
    return this.stopAt(
      this.at >= this.text.length ? `The text ends too early. ${message}` : message,
      this.at,
    );
  }
}
