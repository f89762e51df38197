// @vitest-environment node
import { expect, test } from "vitest";
import { withSharedHead } from "./heads";

test("a page gets the head that all have, and the figures of the offer", () => {
  const html = withSharedHead("<head><!--shared head--><title>%price%, %times%</title></head>", "/a.html");
  expect(html).toContain('<link rel="stylesheet" href="/app/site.css" />');
  expect(html).toMatch(/<title>\$\d+\.\d\d, [a-z]+ times<\/title>/);
});

test("a page without room for it is a mistake", () => {
  expect(() => withSharedHead("<head></head>", "/b.html")).toThrow("/b.html");
});
