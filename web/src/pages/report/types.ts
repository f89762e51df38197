import type { ReportDocument } from "$api/client";
import type { components } from "$api/schema";

export type Document = ReportDocument;
export type Model = Document["models"][number];
export type Run = Document["runs"][number];
export type Diff = Run["diffs"][number];
export type WholeRun = components["schemas"]["WholeRun"];

/** Which of the two matches decides whether an answer is right. */
export type Match = "strict" | "relaxed";
export type Bounds = readonly [number, number];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
