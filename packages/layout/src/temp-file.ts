import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync, rmSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
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
/** {@link HOST_ID} as it stands in the names of files. */
export const HOST_TAG: string = createHash("sha256").update(HOST_ID).digest("hex").slice(0, 8);
const SWEEP_AGE_MS = 24 * 3600 * 1000;

/** Counts from a random start: two copies of this module in one process, as in its threads, begin elsewhere. */
let serial = randomBytes(6).readUIntBE(0, 6);

/** A new name for a file that is not whole yet; it tells a later sweep who made it. */
export function tempName(): string {
  serial = (serial + 1) % 2 ** 48;
  return `${TEMP_PREFIX}tmp-${HOST_TAG}-${process.pid}-${serial.toString(16).padStart(12, "0")}`;
}

/** Removes a temporary file of this process. One that cannot be removed is left for a later sweep. */
export function removeTemp(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What went wrong before is what the caller has to know.
  }
}

/**
 * Removes what a killed process left: temporary files of dead processes of this host, and of any host after a day, as are
 * claims to a lock (see `lock.ts`) that was never taken over. To be called under the lock: then no claim that old is
 * still of use. Returns the names. A file that cannot be removed is left for the next sweep.
 */
export async function sweepTemps(root: string): Promise<string[]> {
  const swept: string[] = [];
  for (const name of await readdir(root)) {
    const match = /^\.ocilot-(?:tmp|wait)-([0-9a-f]{8})-(\d+)-[0-9a-f]{12,18}$/.exec(name);
    if (match === null && !/^\.ocilot-lock\.after-[0-9a-f]+$/.test(name)) continue;
    const path = join(root, name);
    const isDue = match?.[1] === HOST_TAG ? !isAlive(Number(match[2])) : await isOlderThan(path, SWEEP_AGE_MS);
    if (!isDue) continue;
    await rm(path, { force: true, recursive: true }).then(
      () => swept.push(name),
      () => undefined,
    );
  }
  return swept;
}

/**
 * Tells whether a process of this host runs; one that belongs to somebody else counts as running, one that is dead and
 * not yet reaped (as in a container without init) does not.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !["Z", "X"].includes(processStat(pid)[0] ?? "");
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}

/**
 * When a process started, in the kernel's own unit, so that a reused pid is told apart; undefined off Linux, and where
 * `/proc` hides the processes of others.
 */
export function processStart(pid: number): string | undefined {
  return processStat(pid)[19];
}

/** What `/proc/<pid>/stat` says behind the command's name, which may itself hold spaces and brackets. */
function processStat(pid: number): string[] {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    return line.slice(line.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

async function isOlderThan(path: string, age: number): Promise<boolean> {
  try {
    return Date.now() - (await lstat(path)).mtimeMs > age;
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
