/** Where a report's document, its whole runs and its files come from. */
import { ApiError } from "$api/client";
import type { Document, WholeRun } from "./types";

export interface File {
  label: string;
  href: string;
}

export interface Source {
  /** One run with its whole output. Raises ApiError. */
  run: (number: number) => Promise<{ output: string | null }>;
  files: File[];
}

/** A report behind an address of the API: `/api/share/{token}` or `/api/reports/{id}`. */
export function sourceAt(address: string): Source {
  return {
    run: (number) => json<WholeRun>(`${address}/runs/${number}`),
    files: [
      { label: "Download as PDF", href: `${address}/export.pdf` },
      { label: "Download as CSV", href: `${address}/export.csv` },
      { label: "Download as JSON", href: `${address}/export.json` },
    ],
  };
}

/** A document in a file: its runs are as whole as they get. */
export function sourceOf(document: Document, files: File[]): Source {
  return {
    run: (number) => Promise.resolve(document.runs.find(({ n }) => n === number) ?? { output: null }),
    files,
  };
}

export async function json<T>(address: string): Promise<T> {
  const response = await fetch(address).catch(() => {
    throw new ApiError({ title: "No connection", status: 0, detail: "The server could not be reached." });
  });
  if (response.ok) return (await response.json()) as T;
  const problem = await response
    .json()
    .catch(() => ({ title: "Something went wrong", status: response.status }));
  throw new ApiError(problem);
}
