import { MAX_IMAGE_BYTES, MEDIA_TYPES, TOO_LARGE, WRONG_KIND } from "../limits";

/** Say why the server would refuse a file, without asking it; null when it may take it. */
export function whyNot(file: File): string | null {
  if (!MEDIA_TYPES.includes(file.type)) return WRONG_KIND;
  if (file.size > MAX_IMAGE_BYTES) return TOO_LARGE;
  return null;
}

/** Sort by what the reading of a file's name gives: page 2 before page 10. */
export const inNameOrder = (files: Iterable<File>): File[] =>
  [...files].sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
