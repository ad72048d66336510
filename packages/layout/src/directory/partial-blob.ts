import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isOcilotError } from "../errors.js";
import { errnoOf } from "../filesystem/io-error.js";
import { FileSystemClock } from "../filesystem/clock.js";
import { renameOverSync } from "../filesystem/rename-over.js";
import { isOlderThan } from "../filesystem/sweep-temps.js";
import { TEMP_PREFIX, hostTag, isAlive, removeTemp, tempSerial } from "../filesystem/temp-file.js";
import { type Digest, splitDigest } from "../spec/digest.js";

/** A partial blob of another host is taken over when it has not been written for this long, in milliseconds. */
const FOREIGN_AGE_MS = 24 * 3600 * 1000;
/** The partial files that this process is writing. */
const writing = new Set<string>();

/**
 * Downloads a blob into a file in `root` and returns its name. If a process that has ended left the beginning of the same blob, the
 * download resumes it: its file is taken over by a rename, which only one process can do. After a crash, or a failure that may pass, the
 * file stays for the next attempt under a name that says which blob it is and which process wrote it.
 * @throws what `download` throws
 */
export async function downloadPartial(root: string, digest: Digest, download: (file: string) => Promise<void>): Promise<string> {
  const file = await claimPartial(root, digest);
  writing.add(file);
  try {
    await download(file);
    return file;
  } catch (error) {
    if (isOcilotError(error, "BLOB_NOT_FOUND", "BLOB_CORRUPT", "SIZE_MISMATCH", "ALGORITHM_UNSUPPORTED", "LIMIT_EXCEEDED"))
      removeTemp(file);
    throw error;
  } finally {
    writing.delete(file);
  }
}

/** Returns a file name for this process: the largest leftover for the blob, renamed, or a new one. Removes the smaller ones. */
async function claimPartial(root: string, digest: Digest): Promise<string> {
  const { algorithm, encoded } = splitDigest(digest);
  const mine = join(root, `${TEMP_PREFIX}part-${algorithm}-${encoded}-${hostTag()}-${process.pid}-${tempSerial()}`);
  const clock = new FileSystemClock(root);
  const left: { path: string; size: number }[] = [];
  for (const name of readdirSync(root)) {
    const owner = ownerOf(name, `${TEMP_PREFIX}part-${algorithm}-${encoded}-`);
    if (owner === undefined) continue;
    const path = join(root, name);
    const there = lstatSync(path, { throwIfNoEntry: false });
    // Links are not followed: they may lead anywhere.
    if (there?.isFile() !== true || writing.has(path)) continue;
    const isOver = owner.host === hostTag() ? owner.pid === process.pid || !isAlive(owner.pid) : isOlderThan(path, FOREIGN_AGE_MS, clock);
    if (isOver) left.push({ path, size: there.size });
  }
  let isClaimed = false;
  for (const { path } of left.toSorted((a, b) => b.size - a.size)) {
    if (isClaimed) removeTemp(path);
    else isClaimed = claim(path, mine);
  }
  return mine;
}

function ownerOf(name: string, prefix: string): { host: string; pid: number } | undefined {
  const match = name.startsWith(prefix) ? /^([0-9a-f]{8})-(\d+)-[0-9a-f]{12}$/.exec(name.slice(prefix.length)) : null;
  return match === null ? undefined : { host: match[1]!, pid: Number(match[2]) };
}

/** Returns false if another process was faster. */
function claim(path: string, mine: string): boolean {
  try {
    renameOverSync(path, mine);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
