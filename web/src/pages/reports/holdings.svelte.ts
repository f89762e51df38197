import { api, ApiError, ask, type Draft, type Report } from "$api/client";
import { session, signInFirst } from "$lib/session.svelte";

const LOOK_AGAIN_MS = 5_000;

export const isActive = ({ status }: Report): boolean => status === "paid" || status === "running";

/** What a customer has here: reports and drafts, kept up to date while a report runs. */
export class Holdings {
  reports = $state.raw<Report[] | null>(null);
  drafts = $state.raw<Draft[] | null>(null);
  names = $state.raw(new Map<string, string>());
  problem = $state<string | null>(null);

  readonly isEmpty = $derived(this.reports?.length === 0 && this.drafts?.length === 0);

  /** Load everything; whoever is not signed in is sent to sign in. */
  async load(): Promise<void> {
    this.problem = null;
    try {
      if ((await session.load()) === null) return signInFirst();
      await Promise.all([this.#loadReports(), this.#loadDrafts(), this.#loadNames()]);
    } catch (error) {
      this.#note(error);
    }
  }

  /** Look again at reports that run, until what is returned is called. */
  follow(): () => void {
    const timer = setInterval(() => {
      const waits = document.visibilityState === "visible" && this.reports?.some(isActive);
      // What fails now is tried again in a moment.
      if (waits) this.#loadReports().catch(() => undefined);
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }

  async share(report: Report, enabled: boolean): Promise<void> {
    const path = { report_id: report.id };
    const { share_token } = await ask(
      api.POST("/api/reports/{report_id}/share", { params: { path }, body: { enabled } }),
    );
    const changed = { ...report, share_token: share_token ?? undefined };
    this.reports = this.reports?.map((each) => (each.id === report.id ? changed : each)) ?? null;
  }

  async copy(draft: Draft): Promise<Draft> {
    const path = { draft_id: draft.id };
    const copied = await ask(api.POST("/api/drafts/{draft_id}/copy", { params: { path } }));
    this.drafts = [copied, ...(this.drafts ?? [])];
    return copied;
  }

  async remove(draft: Draft): Promise<void> {
    const path = { draft_id: draft.id };
    await ask(api.DELETE("/api/drafts/{draft_id}", { params: { path } }));
    this.drafts = this.drafts?.filter((each) => each.id !== draft.id) ?? null;
  }

  async #loadReports(): Promise<void> {
    this.reports = (await ask(api.GET("/api/reports"))).items as unknown as Report[];
  }

  async #loadDrafts(): Promise<void> {
    this.drafts = (await ask(api.GET("/api/drafts"))).items;
  }

  async #loadNames(): Promise<void> {
    const { items } = await ask(api.GET("/api/models"));
    this.names = new Map(items.map(({ id, name }) => [id, name]));
  }

  #note(error: unknown): void {
    if (error instanceof ApiError && error.status === 401) return signInFirst();
    this.problem = error instanceof ApiError ? error.message : "Something went wrong while loading.";
  }
}
