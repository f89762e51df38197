export const QUESTIONS: readonly { question: string; answer: string }[] = [
  {
    question: "How many images do I need?",
    answer:
      "At least six, if models are to be told apart; ten is the most and the best. They find large differences " +
      "between models, not small ones. Choose images as different as your real ones are, the difficult ones among them.",
  },
  {
    question: "Which files can be read?",
    answer:
      "PNG, JPEG, WebP and GIF with one frame, each up to 10 MiB and 40 megapixels. Of a PDF, upload its pages as images.",
  },
  {
    question: "Which models can I choose?",
    answer:
      "Vision models from free to premium of OpenAI, Anthropic, Google, Mistral, Qwen, xAI and others, listed with " +
      "their prices. You choose up to 24 for a report.",
  },
  {
    question: "Do I need keys or accounts with the providers?",
    answer: "No. The calls are made through our account at OpenRouter and are part of the price.",
  },
  {
    question: "How long does it take?",
    answer:
      "With many models about ten minutes, and at most thirteen once it runs; with few it is done much sooner. You can close the " +
      "page: a mail brings the link.",
  },
  {
    question: "What if a model fails or is slow?",
    answer:
      "Calls are tried again within the report's time. What never came is shown as unmeasured, with the reason, and " +
      "counts neither for nor against the model. If nothing at all was measured, the money goes back by itself.",
  },
  {
    question: "Can I run the same benchmark again?",
    answer:
      "Yes. Copy it in your reports, change what you like, and pay for the new run. Providers change their models " +
      "without notice, so a result that is months old is worth measuring again.",
  },
];
