/** What a draft may hold, and how the server says that it does not fit. */
const KIB = 1024;
const MIB = 1024 * KIB;

export const MAX_IMAGES = 10;
export const MAX_IMAGE_BYTES = 10 * MIB;
export const MAX_NAME_CHARACTERS = 200;
export const MAX_PROMPT_BYTES = 16 * KIB;
export const MAX_SCHEMA_BYTES = 64 * KIB;
export const MAX_EXPECTED_BYTES = 64 * KIB;
export const MAX_EXPECTED_LEVELS = 32;
// A schema has two levels for each level of the data that it describes, and the request is one more.
export const MAX_SCHEMA_LEVELS = 99;
export const MEDIA_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];

export const TOO_LARGE = `An image may have at most ${MAX_IMAGE_BYTES / MIB} MiB.`;
export const WRONG_KIND = "Only PNG, JPEG, WebP and GIF images are accepted.";
export const TOO_MANY = `A draft holds at most ${MAX_IMAGES} images.`;

const encoder = new TextEncoder();

export const byteCount = (text: string): number => encoder.encode(text).length;

export function fileSize(bytes: number): string {
  if (bytes < KIB) return `${bytes} bytes`;
  return bytes < MIB ? `${Math.round(bytes / KIB)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}
