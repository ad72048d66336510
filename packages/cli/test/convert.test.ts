import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { copyOf, layoutWithFiles, run, runWith, tempDir, treeOf } from "./helpers.js";

interface PlanJson {
  to: string;
  steps: { op: string }[];
  losses: unknown[];
  refusals: string[];
  changed: boolean;
}

describe("convert", () => {
  test("converts, says what it did, and a second run changes nothing", async () => {
    const dir = copyOf("layouts/oras");
    const first = await run("convert", dir, "--to", "universal");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toMatch(
      /^universal: 3 referrers; converted\n {2}added: 3 entries\n {2}written: 3 lists\n {2}annotated: 3 entries\n/,
    );
    const before = treeOf(dir);
    expect(await run("convert", dir, "--to", "universal")).toMatchObject({
      code: 0,
      stdout: "universal: 3 referrers; nothing to do\n",
      stderr: "",
    });
    expect(treeOf(dir)).toEqual(before);
  });

  test("--check exits 7 and --dry-run 0, neither touches anything", async () => {
    const dir = copyOf("layouts/olareg");
    const before = treeOf(dir);
    expect((await run("convert", dir, "--to", "oras", "--check")).code).toBe(7);
    const dry = await run("convert", dir, "--to", "oras", "--dry-run");
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain("changes needed (dry run)");
    expect(dry.stdout).toMatch(/^ {2}add sha256:/m);
    expect((await run("convert", dir, "--to", "olareg", "--check")).code).toBe(0);
    expect(treeOf(dir)).toEqual(before);
  });

  test("--json prints the plan and whether anything changed", async () => {
    const dir = copyOf("layouts/regclient");
    const dry = JSON.parse((await run("convert", dir, "--to", "oras", "--only", "--dry-run", "--json")).stdout) as PlanJson;
    const done = JSON.parse((await run("convert", dir, "--to", "oras", "--only", "--json")).stdout) as PlanJson;
    expect([dry.changed, done.changed, done.to]).toEqual([false, true, "oras"]);
    expect(done.steps).toEqual(dry.steps);
    expect(done.steps.some((s) => s.op === "remove")).toBe(true);
  });

  test("what the target cannot express stays and exits 8, or 0 with --allow-inexpressible", async () => {
    const dir = copyOf("edge/annotation-only-link");
    const { code, stdout } = await run("convert", dir, "--to", "oras");
    expect(code).toBe(8);
    expect(stdout).toMatch(/not converted: the target cannot represent it \(existing record kept\):\n {4}sha256:abad5d6c/);
    expect((await run("convert", dir, "--to", "oras", "--allow-inexpressible")).code).toBe(0);
  });

  test("a refusal exits 6 with its reason, the same with --dry-run and --output", async () => {
    const dir = copyOf("edge/wrong-subject-size");
    const before = treeOf(dir);
    const out = join(dirname(dir), "deep/out");
    for (const more of [[], ["--dry-run"], ["--check"], ["--output", out]]) {
      const { code, stderr } = await run("convert", dir, "--to", "universal", ...more);
      expect(code).toBe(6);
      expect(stderr).toMatch(/^ocilot: not converted to universal: oras cannot use the layout/m);
    }
    const json = await run("convert", dir, "--to", "universal", "--json");
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "CONVERSION_REFUSED", details: { to: "universal" } } });
    expect(treeOf(dir)).toEqual(before);
    expect(readdirSync(dirname(dir))).toEqual(["layout"]);
  });

  test("problems are warnings", async () => {
    const { stderr, code } = await run("convert", copyOf("edge/subject-listed-as-its-own-referrer"), "--to", "oras");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^ocilot: warning: STALE_LINE: /);
  });

  test("a layout that another process holds is busy: exit 5", async () => {
    const dir = copyOf("layouts/oras");
    mkdirSync(join(dir, "index.json.lock"));
    writeFileSync(join(dir, ".ocilot-lock"), JSON.stringify({ host: "elsewhere", pid: 1, nonce: "00" }));
    const { code, stderr } = await run("convert", dir, "--to", "universal", "--wait", "0.1");
    expect(code, stderr).toBe(5);
  });

  test("an interrupt exits 130 and changes nothing", async () => {
    const dir = copyOf("layouts/oras");
    const before = treeOf(dir);
    expect(await runWith(AbortSignal.abort(), "convert", dir, "--to", "universal")).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(/^ocilot: interrupted/) as string,
    });
    expect((await runWith(AbortSignal.abort(), "convert", dir, "--to", "universal", "--output", `${dir}-2`)).code).toBe(130);
    expect(treeOf(dir)).toEqual(before);
    expect(readdirSync(dirname(dir))).toEqual(["layout"]);
  });

  test.each([
    [["--to", "regclent"], "Did you mean regclient?"],
    [["--to", "unlisted"], "It is one of: oras,"],
    [["--to", "oras", "--wait", "soon"], "usage: "],
    [["--to"], "usage: "],
    [[], "usage: "],
    [["--to", "oras", "--dryrun"], "Did you mean --dry-run?"],
  ])("%j exits 2", async (more, hint) => {
    const { code, stderr } = await run("convert", copyOf("layouts/oras"), ...more);
    expect(code).toBe(2);
    expect(stderr).toContain(hint);
  });
});

describe("convert --output", () => {
  test("carries every file and leaves the source alone", async () => {
    const { dir } = layoutWithFiles("a.txt");
    writeFileSync(join(dir, "manifest.json"), "[]");
    mkdirSync(join(dir, "ingest/deep"), { recursive: true });
    writeFileSync(join(dir, "ingest/deep/foreign"), "x");
    writeFileSync(join(dir, ".ocilot-tmp-00000000-1-000000000000"), "left behind");
    symlinkSync("manifest.json", join(dir, "link.json"));
    chmodSync(join(dir, "manifest.json"), 0o640);
    const before = treeOf(dir);
    const out = join(dirname(dir), "copies/out");
    const { code, stdout } = await run("convert", dir, "--to", "universal", "--output", out);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Copied \d+ files to .*\nuniversal: 1 referrer; converted\n/);
    expect(treeOf(dir)).toEqual(before);
    const carried = Object.keys(before).filter((name) => name !== "" && !name.startsWith(".ocilot-"));
    expect(readdirSync(out, { recursive: true })).toEqual(expect.arrayContaining(carried));
    expect(readdirSync(out).toSorted()).toEqual(["blobs", "index.json", "ingest", "link.json", "manifest.json", "oci-layout"]);
    expect(statSync(join(out, "manifest.json")).mode & 0o777).toBe(0o640);
    expect(readdirSync(dirname(out))).toEqual(["out"]);
    expect((await run("convert", out, "--to", "universal", "--check")).code).toBe(0);
    expect((await run("convert", dir, "--to", "universal", "--check")).code).toBe(7);
  });

  test("an empty directory that is there is filled", async () => {
    const dir = copyOf("layouts/oras");
    const out = tempDir();
    expect((await run("convert", dir, "--to", "oras", "--output", out)).code).toBe(0);
    expect(readFileSync(join(out, "index.json"))).toEqual(readFileSync(join(dir, "index.json")));
    expect(readdirSync(out).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("a directory that is not empty, a file, and any place inside the source are refused", async () => {
    const dir = copyOf("layouts/oras");
    const other = tempDir();
    writeFileSync(join(other, "mine"), "");
    const before = [treeOf(dir), treeOf(other)];
    symlinkSync(dir, join(tempDir(), "link"));
    for (const out of [other, join(other, "mine"), join(other, "mine/x"), dir, join(dir, "x"), join(dir, "blobs")]) {
      expect((await run("convert", dir, "--to", "universal", "--output", out)).code, out).toBe(6);
    }
    expect([treeOf(dir), treeOf(other)]).toEqual(before);
  });

  test("what cannot be carried is refused and nothing is left", async () => {
    for (const make of [
      (dir: string): void => symlinkSync("/etc/hostname", join(dir, "out.json")),
      (dir: string): void => symlinkSync("nowhere", join(dir, "out.json")),
      (dir: string): void => symlinkSync(".", join(dir, "loop")),
      (dir: string): void => void execFileSync("mkfifo", [join(dir, "pipe")]),
    ]) {
      const dir = copyOf("layouts/oras");
      make(dir);
      const out = join(dirname(dir), "out");
      const { code, stderr } = await run("convert", dir, "--to", "universal", "--output", out);
      expect(code, stderr).toBe(6);
      expect(existsSync(out)).toBe(false);
      expect(readdirSync(dirname(dir))).toEqual(["layout"]);
    }
  });
});
