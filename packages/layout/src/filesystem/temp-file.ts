import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { errnoOf } from "./io-error.js";

/** The prefix of every temporary name that ocilot makes. Nothing else is ever swept. */
export const TEMP_PREFIX = ".ocilot-";

let knownId: string | undefined;
let knownTag: string | undefined;
let serial: number | undefined;

/**
 * Returns a new name for an unfinished file. It tells a later sweep which process made it.
 * @internal Exported for the sibling packages, which name their unfinished files alike so that one sweep finds them.
 */
export function tempName(): string {
  return `${TEMP_PREFIX}tmp-${hostTag()}-${process.pid}-${tempSerial()}`;
}

/** Returns 12 hex digits that are new in this process. */
export function tempSerial(): string {
  // It starts at a random number: two copies of this module in one process, as in its threads, must not count alike.
  serial = ((serial ?? randomBytes(6).readUIntBE(0, 6)) + 1) % 2 ** 48;
  return serial.toString(16).padStart(12, "0");
}

/** Removes a temporary file of this process. A file that cannot be removed is left for a later sweep. */
export function removeTemp(path: string): void {
  try {
    rmSync(path);
  } catch {
    // The caller reports the error that came before this one.
  }
}

/**
 * Returns true if a process of this host runs. A process of another user counts as running; one that is dead and not yet reaped (as in a
 * container without init) does not.
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
 * Returns when a process started, in the kernel's unit, to recognize a reused pid. Undefined on systems other than Linux, and where
 * `/proc` hides the processes of other users.
 */
export function processStart(pid: number): string | undefined {
  return processStat(pid)[19];
}

/** The fields of `/proc/<pid>/stat` behind the command's name, which may itself contain spaces and brackets. */
function processStat(pid: number): string[] {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    return line.slice(line.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** Returns a host id, that of this host if none is given, as it is written in file names. */
export function hostTag(host?: string): string {
  if (host === undefined) return (knownTag ??= hostTag(hostId()));
  return createHash("sha256").update(host).digest("hex").slice(0, 8);
}

/**
 * Returns what identifies this machine, its boot and its pid namespace: a pid means the same process only where all three are equal. On
 * systems other than Linux it is the host name alone.
 */
export function hostId(): string {
  return (knownId ??= readHostId());
}

function readHostId(): string {
  if (process.platform !== "linux") return hostname();
  try {
    return `${hostname()} ${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}
