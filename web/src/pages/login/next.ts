/** Where somebody goes on after signing in. */
export const START = "/benchmark/new";

const LONGEST = 500;
const LIFETIME_S = 900;

/** The path that an address asks to lead on to, if it is one of this site: nobody is sent elsewhere. */
export function nextIn(search: string, origin: string): string | null {
  const wanted = new URLSearchParams(search).get("next") ?? "";
  // Browsers read `//host` and `/\host` as another site, and leave out tabs and line ends before they look.
  if (wanted.length > LONGEST || !/^\/(?![/\\])[^\\\s\p{Cc}]*$/u.test(wanted)) return null;
  const url = new URL(wanted, origin);
  return url.origin === origin ? url.pathname + url.search + url.hash : null;
}

/**
 * The cookie that brings `next` to the page behind the mailed link, also in another tab of this browser.
 * It lives as long as a link does. Without a `next` an older one is dropped.
 */
export function nextCookie(next: string | null, isSecure: boolean): string {
  const value = next === null ? "" : encodeURIComponent(next);
  const age = next === null ? 0 : LIFETIME_S;
  return `modelpick_next=${value}; Path=/auth; Max-Age=${age}; SameSite=Lax${isSecure ? "; Secure" : ""}`;
}
