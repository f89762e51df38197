import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type Draft = Schemas["DraftView"];
export type DraftChange = Partial<
  Pick<Draft, "name" | "extraction_prompt" | "json_schema" | "selected_models" | "data_policy">
>;
export type DraftImage = Schemas["ImageView"];
export type CatalogModel = Schemas["CatalogModel"];
export type Estimate = Schemas["Estimate"];
export type ReportDocument = Schemas["ReportDocument"];
export type ModelProgress = Schemas["ModelProgress"];

/** A report at a glance. By hand: the service leaves absent fields out, so its description names none. */
export interface Report {
  id: string;
  status: Schemas["ReportStatus"];
  share_token?: string;
  /** How many reports are before this one. */
  queue_position?: number;
  total_jobs: number;
  completed_jobs: number;
  spent_usd: string;
  models: ModelProgress[];
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  deadline_at: string | null;
  refunded: boolean;
  failure_reason?: string;
}

/** What an API answers when it refuses: a problem document of RFC 9457. */
export interface Problem {
  title: string;
  status: number;
  detail?: string;
  errors?: { pointer: string; detail: string }[];
}

/** A request that was refused, or that never arrived (status 0). */
export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterS: number | null = null,
  ) {
    super(problem.detail ?? problem.title);
  }

  get status(): number {
    return this.problem.status;
  }
}

// There is no window where a page is rendered at build time.
const baseUrl = import.meta.env.SSR ? "" : window.location.origin;

export const api = createClient<paths>({ baseUrl });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Return the body of an answer. Raises ApiError when it was refused or did not come. */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer.catch(() => {
    throw new ApiError({
      title: "No connection",
      status: 0,
      detail: "The server could not be reached. Check your connection and try again.",
    });
  });
  if (response.ok) return data as T;
  throw new ApiError(problemOf(error, response), retryAfter(response));
}

function problemOf(error: unknown, response: Response): Problem {
  if (typeof error === "object" && error !== null && "title" in error) return error as Problem;
  return { title: "Something went wrong", status: response.status, detail: "The server could not answer." };
}

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) ? seconds : null;
}
