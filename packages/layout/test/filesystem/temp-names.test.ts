import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";

vi.mock("node:fs", { spy: true });
vi.mock("node:crypto", { spy: true });
afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

/** Loaded in the test, so that a module that fails to load fails the test. */
const load = async () => await import("../../src/filesystem/temp-file.js");

test("the number in a temporary name always has 12 digits, and counts up", async () => {
  const { randomBytes } = await import("node:crypto");
  vi.mocked(randomBytes).mockImplementation(((size: number) => Buffer.alloc(size)) as typeof randomBytes);
  const { tempSerial } = await load();
  expect([tempSerial(), tempSerial()]).toEqual(["000000000001", "000000000002"]);
});

test("the tag of a host is the beginning of its sha256", async () => {
  const { hostId, hostTag } = await load();
  expect(hostTag("")).toBe("e3b0c442");
  expect(hostTag()).toBe(hostTag(hostId()));
  expect(hostId().length).toBeGreaterThan(0);
});

test("a host that hides its boot is named by its host name alone", async () => {
  vi.mocked(readFileSync).mockImplementation(() => {
    throw new Error("EACCES");
  });
  const { hostname } = await import("node:os");
  expect((await load()).hostId()).toBe(hostname());
});

test.runIf(process.platform === "linux")("a process in one of the states of the dead does not count as alive", async () => {
  const { isAlive } = await load();
  for (const [state, expected] of [
    ["S", true],
    ["Z", false],
    ["X", false],
  ] as const) {
    vi.mocked(readFileSync).mockReturnValueOnce(`1 (a) b) ${state} 1`);
    expect(isAlive(process.pid)).toBe(expected);
  }
});
