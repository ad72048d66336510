import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Layout } from "../src/index.js";
import { TEMP_PREFIX, hostId, isAlive, processStart, tempName } from "../src/filesystem/temp-file.js";
import { DEAD_PID, dirWith, layoutWith, namesIn, treeOf } from "./helpers.js";

const update = async (dir: string): Promise<unknown> => await (await Layout.open(dir)).index.update(() => []);

function start(command: string, ...args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test("names are new every time, begin as everything of ocilot's does, and are one name on every platform", () => {
  const names = new Set(Array.from({ length: 1000 }, tempName));
  expect(names.size).toBe(1000);
  for (const name of names) expect(name).toMatch(/^\.ocilot-tmp-[0-9a-f]{8}-\d+-[0-9a-f]{12}$/);
  expect(TEMP_PREFIX).toBe(".ocilot-");
});

test("isAlive knows the living, others' too, and the dead", async () => {
  expect(isAlive(process.pid)).toBe(true);
  expect(isAlive(1)).toBe(true);
  expect(isAlive(DEAD_PID)).toBe(false);
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  expect(isAlive(pid)).toBe(false);
});

test.runIf(process.platform === "linux")("a process that is dead and not reaped does not count as alive", async () => {
  // The shell becomes a sleep, which never waits for the child that the shell had started; only then does the child end.
  const child = 'while [ "$(cat /proc/$PPID/comm)" != sleep ]; do :; done';
  const parent = start("sh", "-c", `sh -c '${child}' & echo $!; exec sleep 50`);
  const [line] = (await once(parent.stdout!, "data")) as [Buffer];
  const zombie = Number(line.toString());
  await expect.poll(() => isAlive(zombie)).toBe(false);
  expect(() => process.kill(zombie, 0)).not.toThrow();
});

test.runIf(process.platform === "linux")("processStart tells two processes apart, even one whose name holds brackets", async () => {
  const child = start("sh", "-c", "printf 'x) S 1 (y' >/proc/$$/comm; echo; read x <&1");
  await once(child.stdout!, "data");
  expect(processStart(child.pid!)).toMatch(/^\d+$/);
  expect(processStart(process.pid)).toMatch(/^\d+$/);
  expect(processStart(child.pid!)).not.toBe(processStart(process.pid));
  expect(processStart(DEAD_PID)).toBeUndefined();
});

test.runIf(process.platform === "linux")("hostId() names the boot and the pid namespace, for pids mean nothing beyond them", () => {
  expect(hostId()).toMatch(/ [0-9a-f-]{36} pid:\[\d+\]$/);
});

describe("sweeping", () => {
  const tag = createHash("sha256").update(hostId()).digest("hex").slice(0, 8);
  const nonce = "0123456789ab";
  const dead = `.ocilot-tmp-${tag}-${DEAD_PID}-${nonce}`;
  const alive = `.ocilot-tmp-${tag}-${process.pid}-${nonce}`;
  const elsewhere = `.ocilot-tmp-${tag === "00000000" ? "11111111" : "00000000"}-${DEAD_PID}-${nonce}`;
  const claim = ".ocilot-lock.after-0123456789abcdef01234567";

  test("the next update removes what a killed ocilot left, and nothing of anybody else", async () => {
    const others = [
      "ingest/x",
      "_uploads/x",
      ".uploads/x",
      "index.json.xyz.tmp",
      ".umoci-x/y",
      ".ocilot-something-else",
      ".ocilot-tmp",
      `${dead}.bak`,
      `x${dead}`,
      `.ocilot-tmp-${tag}-12x-${nonce}`,
      "oci-put-blob1",
      "manifest.json",
      `blobs/sha256/${dead}`,
    ];
    const dir = layoutWith();
    for (const name of [...others, dead, alive, elsewhere, claim]) {
      mkdirSync(join(dir, name, ".."), { recursive: true });
      writeFileSync(join(dir, name), "x");
    }
    const before = treeOf(dir);
    await update(dir);
    const after = treeOf(dir);
    expect(Object.keys(before).filter((name) => !(name in after))).toEqual([dead]);
    for (const name of others) expect(after[name], name).toBe(before[name]);
  });

  test("after a day it does not matter any more whose they were", async () => {
    const dir = layoutWith();
    for (const name of [alive, elsewhere, claim, ".ocilot-something-else"]) {
      writeFileSync(join(dir, name), "x");
      utimesSync(join(dir, name), 1, 1);
    }
    await update(dir);
    expect(namesIn(dir)).toEqual([".ocilot-something-else", alive, "blobs", "index.json", "oci-layout"].toSorted());
  });

  test("what a client may still resume is kept for a week", async () => {
    const dir = layoutWith();
    const [old, young] = [".ocilot-upload-00000000-0000-4000-8000-000000000000", ".ocilot-upload-11111111-1111-4111-8111-111111111111"];
    for (const name of [old, young]) writeFileSync(join(dir, name), "x");
    const days = (count: number): number => Date.now() / 1000 - count * 86_400;
    utimesSync(join(dir, old), days(8), days(8));
    utimesSync(join(dir, young), days(6), days(6));
    await update(dir);
    expect(namesIn(dir)).toEqual([young, "blobs", "index.json", "oci-layout"].toSorted());
  });

  test("a link of that name is removed and not followed", async () => {
    const outside = dirWith({ "keep/me": "x" });
    const dir = layoutWith();
    symlinkSync(join(outside, "keep"), join(dir, dead));
    await update(dir);
    expect(namesIn(dir)).not.toContain(dead);
    expect(namesIn(join(outside, "keep"))).toEqual(["me"]);
  });
});
