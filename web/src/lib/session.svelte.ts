import { api, ApiError, ask } from "$api/client";

export interface User {
  id: string;
  email: string;
}

/** Who is signed in: undefined while nobody knows yet, null for nobody. */
class Session {
  user = $state<User | null | undefined>(undefined);

  async load(): Promise<User | null> {
    try {
      this.user = await ask(api.GET("/api/me"));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      this.user = null;
    }
    return this.user ?? null;
  }

  async signOut(): Promise<void> {
    await ask(api.POST("/api/auth/logout"));
    window.location.assign("/");
  }
}

export const session = new Session();

/** Send somebody who is not signed in to sign in, and back here after. */
export function signInFirst(): void {
  const { pathname, search, hash } = window.location;
  window.location.assign(`/login?next=${encodeURIComponent(pathname + search + hash)}`);
}
