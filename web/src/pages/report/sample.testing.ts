/** The sample report, for tests: its figures were computed by the service. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { standings } from "./standing";
import type { Document, Match } from "./types";

// Vitest runs where the package is.
export const sample = JSON.parse(readFileSync(resolve("public/sample/document.json"), "utf8")) as Document;

export const sampleStandings = (match: Match) => standings(sample, match);
