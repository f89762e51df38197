/** What a new draft begins with; the server gives the same to each draft that is made. */
export const DEFAULT_PROMPT =
  "Extract the data in this image and return it as one JSON object.\n" +
  "Copy text exactly as it is printed. Write numbers as JSON numbers, without currency signs or thousands " +
  "separators, and dates as YYYY-MM-DD.\n" +
  "Use null for a field that the image does not show. Return the JSON only: no explanation, no code fence.";
