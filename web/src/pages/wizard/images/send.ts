import { ApiError, type DraftImage, type Problem } from "$api/client";

export interface Sending {
  draftId: string;
  file: File;
  /** The expected JSON, when it is known and sound. */
  expected: string;
  onProgress(share: number): void;
}

/** Upload an image with the progress that `fetch` does not tell. Raises ApiError. */
export function sendImage(
  { draftId, file, expected, onProgress }: Sending,
  signal: AbortSignal,
): Promise<DraftImage> {
  const form = new FormData();
  form.append("file", file);
  if (expected) form.append("expected_json", expected);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText) as DraftImage);
      else reject(refusal(request));
    };
    request.onerror = request.onabort = () => reject(new ApiError(UNREACHED));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", `/api/drafts/${draftId}/images`);
    request.send(form);
  });
}

const UNREACHED: Problem = {
  title: "No connection",
  status: 0,
  detail: "The upload did not get through. Check your connection and try again.",
};

function refusal(request: XMLHttpRequest): ApiError {
  const wait_s = Number(request.getResponseHeader("Retry-After") ?? NaN);
  return new ApiError(problemIn(request), Number.isFinite(wait_s) ? wait_s : null);
}

function problemIn(request: XMLHttpRequest): Problem {
  try {
    const problem = JSON.parse(request.responseText) as Problem;
    return { ...problem, status: request.status, detail: problem.errors?.[0]?.detail ?? problem.detail };
  } catch {
    return { title: "Something went wrong", status: request.status, detail: "The server could not answer." };
  }
}
