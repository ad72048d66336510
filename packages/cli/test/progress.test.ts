import { createHash } from "node:crypto";
import { join } from "node:path";
import { Writable } from "node:stream";
import { type CopyProgress, type RepairProgress, repairLayout } from "@ocilot/referrers";
import { type Digest, Layout } from "@ocilot/layout";
import { describe, expect, test, vi } from "vitest";
import { Progress, type ProgressForm } from "../src/render/progress.js";
import { rmSync, writeFileSync } from "node:fs";
import { FIXTURES, copyOf, run, runIn, tempDir } from "./helpers.js";

/** A progress on a screen of 40 columns, and what has been written to it. */
function shown(form: ProgressForm, columns = 40): { progress: Progress; text: () => string } {
  let text = "";
  const stderr = Object.assign(
    new Writable({
      write(chunk: Buffer, _, done): void {
        text += chunk.toString();
        done();
      },
    }),
    { columns, isTTY: true },
  );
  const progress = new Progress({ stderr } as never, form, "Copying");
  return { progress, text: () => text };
}

const LAYER = `sha256:${createHash("sha256").update("layer").digest("hex")}` as Digest;
const event = (bytes: number, isDone = false): CopyProgress => ({
  blobs: isDone ? 2 : 1,
  totalBlobs: 3,
  bytes,
  totalBytes: 20_000_000,
  current: { descriptor: { mediaType: "x/y", digest: LAYER, size: 16_000_000 }, bytes, isDone },
});

describe("a copy", () => {
  test("on a terminal is the total with rate and time left, and a line for each large blob under way", () => {
    vi.useFakeTimers({ now: 0 });
    const { progress, text } = shown("terminal");
    progress.updateBlobs(event(1_000_000));
    expect(text()).toBe("");
    vi.setSystemTime(2000);
    progress.updateBlobs(event(4_000_000));
    const clear = "\x1b[K";
    const total = "Copying 1 of 3 blobs, 4.00 MB of 20.0 MB";
    expect(text()).toBe(`\r${total.slice(0, 39)}${clear}\n  ${LAYER.slice(0, 19)} 4.00 MB of 16.0 M${clear}\x1b[J`);
    vi.setSystemTime(2050);
    progress.updateBlobs(event(5_000_000));
    vi.setSystemTime(3000);
    progress.updateBlobs(event(16_000_000, true));
    // Back over the two lines, and only one is left.
    expect(text()).toContain("\r\x1b[1ACopying 2 of 3 blobs, 16.0 MB of 20.0");
    expect(text().split(LAYER.slice(0, 19))).toHaveLength(2);
    progress.end();
    expect(text().endsWith("\r\x1b[J")).toBe(true);
    vi.useRealTimers();
  });

  test("as JSON is one document a second at most, and the last state", () => {
    vi.useFakeTimers({ now: 5000 });
    const { progress, text } = shown("json");
    progress.updateBlobs(event(0));
    for (let at = 5100; at <= 7000; at += 100) {
      vi.setSystemTime(at);
      progress.updateBlobs(event((at - 5000) * 1000));
    }
    progress.updateBlobs(event(20_000_000, true));
    progress.end();
    vi.useRealTimers();
    const lines = text()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).progress);
    expect(lines.map((l) => l.bytes)).toEqual([0, 1_000_000, 2_000_000, 20_000_000]);
    expect(lines[1]).toEqual({
      verb: "Copying",
      blobs: 1,
      totalBlobs: 3,
      bytes: 1_000_000,
      totalBytes: 20_000_000,
      bytesPerSecond: 1_000_000,
      secondsLeft: 19,
    });
    expect(lines[3]).toMatchObject({ blobs: 2, isLast: true });
  });

  test("a terminal that does not tell its width is 80 columns wide", () => {
    vi.useFakeTimers({ now: 0 });
    const { progress, text } = shown("terminal", 0);
    vi.setSystemTime(2000);
    progress.update(1, 2);
    expect(text()).toContain("Copying 1 of 2\x1b[K");
    vi.useRealTimers();
  });

  test("is silent where nothing is wanted", () => {
    const { progress, text } = shown("none");
    progress.updateBlobs(event(1));
    progress.update(1, 2);
    progress.end();
    expect(text()).toBe("");
  });
});

test("copy --progress=json tells it on standard error, also with --json; without it nothing is said in a pipe", async () => {
  const source = join(FIXTURES, "layouts/oras");
  const outcome = await run("copy", "--all", source, join(tempDir(), "out"), "--progress=json", "--json");
  expect(outcome.code).toBe(0);
  const last = JSON.parse(outcome.stderr.trim().split("\n").at(-1)!).progress;
  expect(last).toMatchObject({ verb: "Copying", isLast: true });
  expect([last.bytes, last.blobs]).toEqual([last.totalBytes, last.totalBlobs]);
  expect(JSON.parse(outcome.stdout)).toHaveProperty("written");
  expect(await run("copy", "--all", source, join(tempDir(), "out"))).toMatchObject({ code: 0, stderr: "" });
});

describe("every long command", () => {
  const LONG: Readonly<Record<string, (dir: string) => string[]>> = {
    attach: (dir) => ["attach", `${copyOf("layouts/oras")}:v1`, bigFile(dir), "--artifact-type", "a/b"],
    "attach of standard input": () => ["attach", `${copyOf("layouts/oras")}:v1`, "-", "--artifact-type", "a/b"],
    bundle: (dir) => ["bundle", ORAS, "--output", join(dir, "b.tar")],
    convert: (dir) => ["convert", ORAS, "--to", "universal", "--output", join(dir, "out")],
    "convert of an archive": (dir) => [
      "convert",
      join(FIXTURES, "layouts/oras-backup.tar"),
      "--to",
      "universal",
      "--output",
      join(dir, "out"),
    ],
    extract: (dir) => ["extract", `${ORAS}:v1`, "--kind", "sbom", "--all", "--output", join(dir, "out")],
    receipt: () => ["receipt", ORAS],
    repair: () => ["repair", copyOf("layouts/oras")],
    copy: (dir) => ["copy", "--all", ORAS, join(dir, "out")],
    verify: () => ["verify", ORAS],
  };
  const ORAS = join(FIXTURES, "layouts/oras");
  const bigFile = (dir: string): string => {
    writeFileSync(join(dir, "big"), Buffer.alloc(300_000));
    return join(dir, "big");
  };

  test.each(Object.keys(LONG))("%s tells progress as JSON, and none with --no-progress or --progress none", async (name) => {
    for (const more of [["--progress", "json"], ["--no-progress"], ["--progress", "none"]]) {
      const argv = [...LONG[name]!(tempDir()), ...more, "--log-format", "json"];
      const { code, stderr } = await runIn({ stdin: "content", isStderrTTY: true }, ...argv);
      expect(code, stderr).toBe(0);
      const reported = stderr.split("\n").filter((line) => line.startsWith('{"progress"'));
      if (more[1] === "json") expect(reported.length, stderr).toBeGreaterThan(0);
      if (more[1] !== "json") expect(stderr).not.toMatch(/progress|\r/);
    }
  });

  test.each(["convert", "convert of an archive", "extract", "receipt", "repair", "verify"])(
    "%s tells bytes, their total and the rate",
    async (name) => {
      const { stderr } = await run(...LONG[name]!(tempDir()), "--progress", "json");
      const first = stderr.split("\n").find((line) => line.startsWith('{"progress"'));
      expect(JSON.parse(first!).progress).toMatchObject({
        totalBytes: expect.any(Number) as number,
        bytesPerSecond: expect.any(Number) as number,
      });
    },
  );

  test("a repair tells the bytes that it fetches", async () => {
    const dir = copyOf("layouts/oras");
    const events: RepairProgress[] = [];
    const source = await Layout.open(ORAS);
    let [digest, size] = ["", 0];
    for await (const blob of source.blobs.list()) if (blob.size > size) ({ digest, size } = blob);
    rmSync(join(dir, "blobs", digest.replace(":", "/")), { force: true });
    const layout = await Layout.open(dir);
    const result = await repairLayout(layout, { from: [source], onProgress: (told) => events.push(told) });
    expect(result.steps).toContainEqual(expect.objectContaining({ op: "fetch", digest }));
    expect(events[0]).toMatchObject({ phase: "check" });
    expect(events.at(-1)).toMatchObject({ phase: "repair", bytes: size, totalBytes: size });
  });

  test("attach of standard input tells the bytes stored so far", async () => {
    const { stderr } = await runIn({ stdin: "content" }, ...LONG["attach of standard input"]!(""), "--progress", "json");
    expect(JSON.parse(stderr.split("\n")[0]!)).toEqual({
      progress: { verb: "Storing", bytes: 7, bytesPerSecond: expect.any(Number) as number },
    });
  });

  test("attach tells the bytes of all files together", async () => {
    const argv = ["attach", `${copyOf("layouts/oras")}:v1`, bigFile(tempDir()), "--artifact-type", "a/b", "--progress", "json"];
    const [first] = (await runIn({}, ...argv)).stderr.split("\n");
    expect(JSON.parse(first!)).toMatchObject({ progress: { verb: "Storing", totalBytes: 300_000 } });
  });
});
