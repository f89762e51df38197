import { api, ApiError, ask, type CatalogModel } from "$api/client";

/** The models on offer, asked for once. */
class Catalogue {
  models = $state.raw<CatalogModel[] | null>(null);
  error = $state("");

  async load(): Promise<void> {
    if (this.models) return;
    this.error = "";
    try {
      this.models = (await ask(api.GET("/api/models"))).items;
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      this.error = reason.message;
    }
  }

  nameOf(id: string): string {
    return this.models?.find((model) => model.id === id)?.name ?? id;
  }
}

export const catalogue = new Catalogue();
