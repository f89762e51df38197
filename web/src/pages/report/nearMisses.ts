/** Why a difference is a near miss, in a sentence. */
const SENTENCES: Record<string, string> = {
  relaxed:
    "The same but for letter case, white space or a number written as text: the relaxed match forgives it.",
  number_format: "The same number, written with a currency, separators or another decimal sign.",
  date_format: "The same day, written another way.",
  date_format_ambiguous: "Perhaps the same day: it depends on whether the day or the month comes first.",
  punctuation: "The same text but for its punctuation.",
  null_or_missing: "One has null where the other leaves the field out.",
  array_order: "The same elements in another order.",
};

export const explained = (rescuedBy: string): string =>
  SENTENCES[rescuedBy] ?? `A more forgiving reader might let it pass (${rescuedBy.replaceAll("_", " ")}).`;
