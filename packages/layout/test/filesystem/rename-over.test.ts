import { renameSync } from "node:fs";
import * as fs from "node:fs";
import { rename } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { renameOver, renameOverSync } from "../../src/filesystem/rename-over.js";
import { dirWith } from "../helpers.js";

vi.mock("node:fs/promises", { spy: true });
vi.mock("node:fs", { spy: true });
const fault = (code: string): Error => Object.assign(new Error(code), { code, syscall: "rename" });
const on = (platform: NodeJS.Platform): void => void vi.stubGlobal("process", { ...process, platform });
afterEach(() => {
  vi.mocked(rename).mockReset();
  vi.mocked(renameSync).mockReset();
  vi.unstubAllGlobals();
});

/** Both forms, with a way to make the system refuse some of the calls. */
const FORMS = [
  {
    name: "renameOver",
    call: renameOver,
    refuse: (...errors: Error[]) => errors.forEach((e) => vi.mocked(rename).mockRejectedValueOnce(e)),
    calls: () => vi.mocked(rename).mock.calls.length,
  },
  {
    name: "renameOverSync",
    call: async (from: string, to: string) => renameOverSync(from, to),
    refuse: (...errors: Error[]) =>
      errors.forEach((e) =>
        vi.mocked(renameSync).mockImplementationOnce(() => {
          throw e;
        }),
      ),
    calls: () => vi.mocked(renameSync).mock.calls.length,
  },
];

describe.each(FORMS)("$name", ({ call, refuse, calls }) => {
  let dir: string;
  const move = async (): Promise<void> => await call(`${dir}/a`, `${dir}/b`);
  const content = (name: string): string => fs.readFileSync(`${dir}/${name}`, "utf8");
  beforeEach(() => void (dir = dirWith({ a: "new", b: "old" })));

  test.each(["EPERM", "EACCES", "EBUSY"])("on Windows %s passes when the reader closes the file", async (code) => {
    on("win32");
    refuse(fault(code), fault(code));
    await move();
    expect([content("b"), calls()]).toEqual(["new", 3]);
  });

  test("on Windows it ends after 20 attempts, with the file as it was", async () => {
    on("win32");
    refuse(...Array.from({ length: 20 }, () => fault("EBUSY")));
    await expect(move()).rejects.toMatchObject({ code: "EBUSY" });
    expect([content("a"), content("b"), calls()]).toEqual(["new", "old", 20]);
  });

  test.each(["ENOSPC", "EXDEV", "ENOENT"])("on Windows %s is no reader's", async (code) => {
    on("win32");
    refuse(fault(code));
    await expect(move()).rejects.toMatchObject({ code });
    expect(calls()).toBe(1);
  });

  test.each(["linux", "darwin"] as const)("on %s a refusal is final", async (platform) => {
    on(platform);
    refuse(fault("EBUSY"));
    await expect(move()).rejects.toMatchObject({ code: "EBUSY" });
    expect(calls()).toBe(1);
  });
});
