import { expect, test, vi } from "vitest";
import { part } from "./part";

const ADDRESS = "http://localhost/assets/Given-abc.js";
const missed = () => Promise.reject(new TypeError(`Failed to fetch dynamically imported module: ${ADDRESS}`));
const FOUND = { default: "the part" };

test("a part that did not come is asked for by an address that was not used before", async () => {
  const asked: string[] = [];
  const loadFrom = (address: string) => {
    asked.push(address);
    return asked.length < 3 ? missed() : Promise.resolve(FOUND);
  };
  const load = part<typeof FOUND>(missed, loadFrom);
  for (let times = 0; times < 2; times += 1) await expect(load()).rejects.toThrow(ADDRESS);
  expect(await load()).toBe(FOUND);
  expect(new Set(asked).size).toBe(3);
  for (const address of asked)
    expect(address).toMatch(/^http:\/\/localhost\/assets\/Given-abc\.js\?again=\d+$/);
});

test("a part that came is not loaded again, by whichever address it came", async () => {
  const loadFrom = vi.fn(() => Promise.resolve(FOUND));
  const load = part<typeof FOUND>(missed, loadFrom);
  const both = await Promise.all([load(), load()]);
  expect([...both, await load()]).toEqual([FOUND, FOUND, FOUND]);
  expect(loadFrom).toHaveBeenCalledOnce();
});

test.each([
  "Importing a module script failed.",
  "Unable to preload CSS for http://localhost/assets/Given-abc.css",
])("a failure that no module's other address makes good is the caller's: %s", async (message) => {
  const loadFrom = vi.fn(missed);
  const first = vi.fn().mockRejectedValueOnce(new Error(message)).mockResolvedValue(FOUND);
  const load = part<typeof FOUND>(first, loadFrom);
  await expect(load()).rejects.toThrow(message);
  expect(await load()).toBe(FOUND);
  expect(loadFrom).not.toHaveBeenCalled();
});
