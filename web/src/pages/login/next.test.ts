import { describe, expect, it } from "vitest";
import { nextCookie, nextIn } from "./next";

const ORIGIN = "https://modelpick.test";
const next = (address: string) => nextIn(`?next=${encodeURIComponent(address)}`, ORIGIN);

describe("where to go after signing in", () => {
  it.each(["/", "/reports", "/benchmark/new?draft=1&step=review", "/reports#old"])("keeps %s", (path) => {
    expect(next(path)).toBe(path);
  });

  it.each([
    "",
    "reports",
    "https://evil.test/",
    "//evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "javascript:alert(1)",
    " //evil.test",
    "/a\\b",
    `/${"a".repeat(500)}`,
  ])("leads nobody to %j", (address) => {
    expect(next(address)).toBeNull();
  });

  it("escapes what is not of an address", () => {
    expect(next("/reports?name=ü")).toBe("/reports?name=%C3%BC");
  });

  it("is null without a next", () => {
    expect(nextIn("", ORIGIN)).toBeNull();
  });
});

describe("the cookie that carries it", () => {
  it("is for the page behind the link alone", () => {
    expect(nextCookie("/reports?a=1;b", false)).toBe(
      "modelpick_next=%2Freports%3Fa%3D1%3Bb; Path=/auth; Max-Age=900; SameSite=Lax",
    );
  });

  it("goes over https alone on an https site, and is dropped without a next", () => {
    expect(nextCookie(null, true)).toBe("modelpick_next=; Path=/auth; Max-Age=0; SameSite=Lax; Secure");
  });
});
