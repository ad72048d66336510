import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { parseReceipt } from "@ocilot/referrers";
import { writeReceipt } from "../src/options/receipt-file.js";
import { copyOf, run, tempDir, treeOf } from "./helpers.js";

const isReceipt = (path: string): boolean => parseReceipt(readFileSync(path), path).blobs.length > 0;

describe("the file of a receipt", () => {
  test("bundle refuses what the same run writes or reads, before it writes anything", async () => {
    const layout = copyOf("layouts/oras");
    const dir = tempDir();
    mkdirSync(join(dir, "link-target"));
    symlinkSync(join(dir, "link-target"), join(dir, "link"));
    const source = join(dir, "source.tar");
    expect((await run("copy", "--all", layout, source)).code).toBe(0);
    const before = treeOf(dir);
    const at = (name: string): string => join(dir, name);
    for (const [receipt, output, ...argv] of [
      ["q.tar", "q.tar", layout],
      ["link-target/q.tar", "link/q.tar", layout],
      ["q.part-007-of-009.tar", "q.tar", layout, "--split", "30k"],
      ["q.sha256", "q.tar", layout, "--split", "30k"],
      ["q.sig", "q.tar", layout, "--sign-with", "cat"],
      ["source.tar", "q.tar", source],
      ["source.tar", "q.tar", `${source}:v1`],
    ] as [string, string, ...string[]][]) {
      const made = await run("bundle", "--receipt", at(receipt), "--output", at(output), ...argv);
      expect([receipt, made.code, made.stderr]).toEqual([receipt, 2, expect.stringContaining(`--receipt ${at(receipt)} is `)]);
    }
    expect(await run("bundle", layout, "-o", "-", "--receipt", "/dev/stdout")).toMatchObject({ code: 2, stdout: "" });
    expect(treeOf(dir)).toEqual(before);
  });

  test("every command refuses a file that is no receipt, a missing directory and -, before any work; it replaces a receipt", async () => {
    const layout = copyOf("layouts/oras");
    const dir = tempDir();
    const bundle = join(dir, "b.tar");
    expect((await run("bundle", layout, "-o", bundle)).code).toBe(0);
    const [old, notes, json] = [join(dir, "old.json"), join(dir, "notes.txt"), join(dir, "other.json")];
    const [empty, far] = [join(dir, "empty"), join(dir, "far")];
    writeFileSync(notes, "do not lose this");
    writeFileSync(json, '{"type":"something else"}');
    const commands = [
      ["bundle", layout, "--output", join(dir, "c.tar"), "--receipt"],
      ["unbundle", bundle, "--into", far, "--receipt"],
      ["verify", layout, "--receipt"],
      ["receipt", layout, "--output"],
    ];
    for (const argv of commands) {
      for (const file of [notes, json, bundle]) {
        const kept = readFileSync(file);
        const refused = await run(...argv, file);
        expect([argv[0], refused.code]).toEqual([argv[0], 6]);
        expect(refused.stderr).toMatch(/^ocilot: .* already exists and is not a receipt.*\n {2}hint: Name another file/);
        expect(readFileSync(file).equals(kept)).toBe(true);
      }
      const nowhere = await run(...argv, join(dir, "nowhere", "r.json"));
      expect([argv[0], nowhere.code, nowhere.stderr]).toEqual([argv[0], 3, expect.stringContaining("nowhere does not exist")]);
      expect((await run(...argv, dir)).code).toBe(6);
    }
    for (const argv of commands.slice(0, 3)) {
      const dash = await run(...argv, "-");
      expect([argv[0], dash.code, dash.stderr]).toEqual([argv[0], 2, expect.stringContaining("ocilot receipt REF")]);
    }
    expect([existsSync(far), existsSync(join(dir, "c.tar"))]).toEqual([false, false]);
    for (const argv of commands) {
      writeFileSync(empty, "");
      expect((await run(...argv, empty)).code).toBe(0);
      expect((await run("receipt", layout, "--redact", "--output", old)).code).toBe(0);
      // The first run of bundle has made its archive.
      expect((await run(...argv, old, ...(argv[0] === "bundle" ? ["--force"] : []))).code).toBe(0);
      expect([isReceipt(empty), isReceipt(old)]).toEqual([true, true]);
      expect(readFileSync(old, "utf8")).toContain('"tag":"v1"');
    }
    expect(readdirSync(dir).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("standard output, a pipe and a symbolic link stay what they are", async () => {
    const layout = copyOf("layouts/oras");
    const dir = tempDir();
    const printed = await run("receipt", layout);
    expect(await run("receipt", layout, "--output", "-")).toEqual(printed);
    const beside = await run("verify", layout, "--receipt", "/dev/stdout");
    expect([beside.code, beside.stdout]).toEqual([0, expect.stringContaining('"type":"application/vnd.ocilot.receipt')]);
    const real = join(dir, "real.json");
    writeFileSync(real, "");
    symlinkSync(real, join(dir, "link.json"));
    expect((await run("verify", layout, "--receipt", join(dir, "link.json"))).code).toBe(0);
    expect(isReceipt(real)).toBe(true);
    if (process.platform === "win32") return;
    const fifo = join(dir, "fifo");
    execFileSync("mkfifo", [fifo]);
    const reader = spawn("cat", [fifo], { stdio: ["ignore", "pipe", "inherit"] });
    const [read] = await Promise.all([text(reader.stdout), run("verify", layout, "--receipt", fifo)]);
    expect(read).toBe(readFileSync(real, "utf8"));
  });

  test("a file that appears while the command runs is not replaced", async () => {
    const file = join(tempDir(), "r.json");
    writeFileSync(file, "from somebody else");
    const { stdout } = await run("receipt", copyOf("layouts/oras"));
    const io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, isTTY: false, env: {} };
    const writing = writeReceipt(file, parseReceipt(Buffer.from(stdout), "r"), io);
    await expect(writing).rejects.toMatchObject({ code: "OUTPUT_EXISTS", details: { path: file } });
    expect(readFileSync(file, "utf8")).toBe("from somebody else");
  });
});
