import { readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { copyOf, run, treeOf } from "./helpers.js";

const blobs = (dir: string): string[] => readdirSync(join(dir, "blobs/sha256")).map((name) => join(dir, "blobs/sha256", name));
const contents = (dir: string): Record<string, string> =>
  Object.fromEntries(blobs(dir).map((f) => [f.slice(dir.length), readFileSync(f, "utf8")]));

describe("ocilot repair", () => {
  it("shows what it would do, does it, and has nothing more to do", async () => {
    const [dir, other] = [copyOf("layouts/oras"), copyOf("layouts/oras")];
    const whole = contents(other);
    const [missing, damaged] = blobs(dir);
    rmSync(missing!);
    writeFileSync(damaged!, "bad");
    const before = treeOf(dir);
    const plan = await run("repair", dir, "--from", other, "--dry-run");
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(/^would fetch {2}sha256:\w+ \((missing|damaged), \d+ B\) from .*\nwould fetch .*\n2 steps to do\.\n$/);
    expect(treeOf(dir)).toEqual(before);
    const done = await run("repair", dir, "--from", other, "--json");
    expect(JSON.parse(done.stdout)).toMatchObject({ dryRun: false, steps: [{ op: "fetch", from: other }, { op: "fetch" }], left: [] });
    expect(contents(dir)).toEqual(whole);
    expect((await run("repair", dir, "--from", other)).stdout).toBe("Nothing to do.\n");
  });

  it("exits 4 where something is left", async () => {
    const dir = copyOf("layouts/oras");
    rmSync(blobs(dir)[0]!);
    const { code, stdout } = await run("repair", dir);
    expect([code, stdout]).toEqual([
      4,
      expect.stringMatching(/^Not repaired:\nerror {2}BLOB_MISSING [^]*Nothing to do; 1 problem left\.\n$/),
    ]);
  });

  it("lists what cosign save hides", async () => {
    const dir = copyOf("layouts/cosign-save-bundle");
    const { code, stdout } = await run("repair", dir);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^recorded {2}referrers again: \d+ changes in universal/)]);
    expect((await run("verify", dir)).code).toBe(0);
  });

  it("refuses an index.json that cannot be read", async () => {
    const dir = copyOf("layouts/oras");
    const path = join(dir, "index.json");
    writeFileSync(path, `\ufeff${readFileSync(path, "utf8")}`);
    utimesSync(path, 1, 1);
    const { code, stderr } = await run("repair", dir, "--from", copyOf("layouts/oras"));
    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(/byte order mark[^]*hint: Nothing was changed\. Restore index\.json first, for example: cp /),
    ]);
  });
});
