/** The editor for JSON. Loaded when one is wanted: CodeMirror is larger than the rest of the page. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  MatchDecorator,
  ViewPlugin,
  type DecorationSet,
  type ViewUpdate,
} from "@codemirror/view";
import type { Fault } from "./parse";

export interface Options {
  parent: HTMLElement;
  text: string;
  label: string;
  describedBy: string;
  onInput(text: string): void;
}

export interface Editor {
  setText(text: string): void;
  setFaults(faults: readonly Fault[]): void;
  setLabel(label: string): void;
  setReadOnly(isReadOnly: boolean): void;
  select(from: number, to: number): void;
  focus(): void;
  destroy(): void;
}

export function createEditor({ parent, text, label, describedBy, onInput }: Options): Editor {
  const editable = new Compartment();
  const labelled = new Compartment();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        drawSelection(),
        highlightSpecialChars(),
        json(),
        colours,
        theme,
        EditorView.lineWrapping,
        EditorState.tabSize.of(2),
        keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap, indentWithTab]),
        labelled.of(labelledBy(label)),
        EditorView.contentAttributes.of({ "aria-describedby": describedBy, tabindex: "0" }),
        editable.of([]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !update.transactions.some((each) => each.isUserEvent("set")))
            onInput(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    setText: (to) => replaceText(view, to),
    setFaults: (faults) => showFaults(view, faults),
    setLabel: (to) => view.dispatch({ effects: labelled.reconfigure(labelledBy(to)) }),
    setReadOnly: (isReadOnly) =>
      view.dispatch({
        effects: editable.reconfigure(isReadOnly ? [EditorState.readOnly.of(true)] : []),
      }),
    select: (from, to) => select(view, from, to),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

const labelledBy = (label: string) => EditorView.contentAttributes.of({ "aria-label": label });

function replaceText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return;
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, userEvent: "set" });
}

function showFaults(view: EditorView, faults: readonly Fault[]): void {
  const end = view.state.doc.length;
  const diagnostics = faults.map((fault) => ({
    ...fault,
    from: Math.min(fault.from, end),
    to: Math.min(fault.to, end),
  }));
  view.dispatch(setDiagnostics(view.state, diagnostics));
}

function select(view: EditorView, from: number, to: number): void {
  const end = view.state.doc.length;
  const selection = { anchor: Math.min(from, end), head: Math.min(to, end) };
  view.dispatch({ selection, scrollIntoView: true });
  view.focus();
}

const KINDS: [RegExp, string][] = [
  [/^"(?:[^"\\]|\\.)*"(?=\s*:)/, "json-key"],
  [/^"/, "json-text"],
  [/^[-\d]/, "json-number"],
  [/^/, "json-word"],
];
const marks = new Map(KINDS.map(([, name]) => [name, Decoration.mark({ class: name })]));
const decorator = new MatchDecorator({
  regexp: /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g,
  decorate: (add, from, to, match) => {
    const name = KINDS.find(([pattern]) => pattern.test(match[0]))?.[1] ?? "json-word";
    const mark = marks.get(name);
    if (mark) add(from, name === "json-key" ? from + match[0].lastIndexOf('"') + 1 : to, mark);
  },
});

const colours = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = decorator.createDeco(view);
    }
    update(update: ViewUpdate) {
      this.decorations = decorator.updateDeco(update, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "var(--text-s)", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)", padding: "0.5rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--muted)", border: "0" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--focus) 30%, transparent)",
  },
  ".cm-tooltip": {
    background: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius)",
  },
  ".cm-diagnostic": { fontFamily: "var(--sans)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad)",
    textUnderlineOffset: "0.2em",
  },
  ".json-key": { color: "var(--accent)" },
  ".json-text": { color: "var(--good)" },
  ".json-number, .json-word": { color: "var(--bad)" },
});
