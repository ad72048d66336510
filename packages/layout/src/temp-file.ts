import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { errnoOf } from "./io-error.js";

/** Every name that ocilot makes in a layout for a while begins so; nothing else is ever swept. */
export const TEMP_PREFIX = ".ocilot-";

/**
 * Names this machine, its boot and its pid namespace: only where all three are equal does a pid mean the same process.
 * Elsewhere than on Linux it is the host name alone.
 */
export const HOST_ID: string = hostId();
const HOST_TAG = createHash("sha256").update(HOST_ID).digest("hex").slice(0, 8);
const SWEEP_AGE_MS = 24 * 3600 * 1000;

/** A new name for a file that is not whole yet; it tells a later sweep who made it. */
export function tempName(): string {
  return `${TEMP_PREFIX}tmp-${HOST_TAG}-${process.pid}-${randomBytes(6).toString("hex")}`;
}

/**
 * Removes what a killed process left: temporary files of dead processes of this host, and of any host after a day.
 * Returns the names. A file that cannot be removed is left for the next sweep.
 */
export async function sweepTemps(root: string): Promise<string[]> {
  const swept: string[] = [];
  for (const name of await readdir(root)) {
    const match = /^\.ocilot-tmp-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}$/.exec(name);
    if (match === null) continue;
    const path = join(root, name);
    if (match[1] === HOST_TAG ? isAlive(Number(match[2])) : !(await isOlderThan(path, SWEEP_AGE_MS))) continue;
    await rm(path, { force: true, recursive: true }).then(
      () => swept.push(name),
      () => undefined,
    );
  }
  return swept;
}

/** Tells whether a process of this host runs; one that belongs to somebody else counts as running. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}

/** When a process started, in the kernel's own unit, so that a reused pid is told apart; undefined off Linux. */
export function processStart(pid: number): string | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    return line.slice(line.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

async function isOlderThan(path: string, age: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > age;
  } catch {
    return false;
  }
}

function hostId(): string {
  if (process.platform !== "linux") return hostname();
  try {
    return `${hostname()} ${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}
