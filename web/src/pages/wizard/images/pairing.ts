/** Which of the files that were dropped together belong together: `a.jpg` and `a.json` are one image. */

export interface Pair {
  image: File;
  json: File | null;
}

export interface Pairing {
  uploads: Pair[];
  /** JSON for images that are in the draft already. */
  fills: { imageId: string; json: File }[];
  /** JSON that no image is called after. */
  strays: File[];
}

export function pairFiles(files: readonly File[], fileNames: ReadonlyMap<string, string>): Pairing {
  const jsons = files.filter(isJsonFile);
  const taken = new Set<File>();
  const take = (image: string): File | null => {
    const json = jsons.find((file) => !taken.has(file) && belongs(file.name, image));
    if (json) taken.add(json);
    return json ?? null;
  };
  const uploads = files
    .filter((file) => !isJsonFile(file))
    .map((image) => ({ image, json: take(image.name) }));
  const fills = [...fileNames].flatMap(([imageId, name]) => {
    const json = take(name);
    return json ? [{ imageId, json }] : [];
  });
  return { uploads, fills, strays: jsons.filter((file) => !taken.has(file)) };
}

export const isJsonFile = (file: File): boolean =>
  file.type === "application/json" || /\.json$/i.test(file.name);

/** Take both `a.json` and `a.jpg.json` for `a.jpg`, however they are capitalised. */
function belongs(json: string, image: string): boolean {
  const name = json.replace(/\.json$/i, "").toLowerCase();
  return name === image.toLowerCase() || name === image.replace(/\.[^.]*$/, "").toLowerCase();
}
