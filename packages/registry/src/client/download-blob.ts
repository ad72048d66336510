import { writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { GrowingHash, type Hasher, algorithmOf } from "@ocilot/layout";
import { type Descriptor, type Digest, OcilotError } from "@ocilot/layout/spec";
import type { Caller } from "./caller.js";
import { corrupt, hasherFor } from "./checks.js";
import { receiveBlob } from "./get-blob.js";
import type { DownloadBlobOptions } from "./types.js";

const READ_BYTES: number = 1024 * 1024;

/** @see RepositoryClient.downloadBlob */
export async function downloadBlob(caller: Caller, d: Descriptor, path: string, options: DownloadBlobOptions): Promise<void> {
  const file = await io(path, async () => open(path, "a+", 0o600));
  let handle: FileHandle | undefined;
  try {
    await file.close();
    handle = await io(path, async () => open(path, "r+"));
    await intoFile(caller, d, { path, file: handle, options });
  } finally {
    await handle?.close();
  }
}

async function intoFile(
  caller: Caller,
  d: Descriptor,
  { path, file, options }: { path: string; file: FileHandle; options: DownloadBlobOptions },
): Promise<void> {
  const { onBytes, sync } = options;
  let kept = await io(path, async () => (await file.stat()).size);
  if (kept > d.size) {
    await io(path, async () => file.truncate(0));
    kept = 0;
  }
  // What an earlier process left may be wrong, which is no fault of the registry.
  let tries = kept > 0 ? 3 : 2;
  for (let at = kept; ; at = 0) {
    const found = await receiveAndHash(caller, d, { path, file, at, options });
    if (found === d.digest) break;
    await io(path, async () => file.truncate(0));
    onBytes?.(-d.size);
    if (--tries === 0) throw corrupt(d.digest, found, caller.host);
  }
  if (sync === true) await io(path, async () => file.sync());
}

/** Receives what follows `at` and returns the digest of the whole file. */
async function receiveAndHash(
  caller: Caller,
  d: Descriptor,
  { path, file, at: start, options: { onBytes, signal } }: { path: string; file: FileHandle; at: number; options: DownloadBlobOptions },
): Promise<Digest> {
  const hasher = hasherFor(d.digest);
  const behind = GrowingHash.start(file.fd, algorithmOf(d.digest), d.size);
  let at = start;
  try {
    if (behind === undefined) await hashFile(file, at, { hasher, path, onBytes });
    else if (at > 0) {
      behind.grew(at);
      onBytes?.(at);
    }
    if (at < d.size || d.size === 0) {
      // Each chunk is written, and where there is no thread hashed, from memory that the next one may take.
      const take = (chunk: Uint8Array): void => {
        writeAll(path, file.fd, { chunk, position: at });
        at += chunk.length;
        if (behind === undefined) hasher.update(chunk);
        else behind.grew(at);
        onBytes?.(chunk.length);
      };
      await receiveBlob(caller, d, { offset: at, signal, take });
    }
    if (behind === undefined) return hasher.digest();
    const found = await behind.digest();
    if (found !== undefined) return found;
    await hashFile(file, at, { hasher, path, onBytes: undefined });
    return hasher.digest();
  } finally {
    await behind?.drop();
  }
}

function writeAll(path: string, fd: number, { chunk, position }: { chunk: Uint8Array; position: number }): void {
  try {
    for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done, chunk.length - done, position + done);
  } catch (error) {
    throw ioError(path, error);
  }
}

async function hashFile(
  file: FileHandle,
  size: number,
  { hasher, path, onBytes }: { hasher: Hasher; path: string; onBytes: ((count: number) => void) | undefined },
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size));
  for (let at = 0; at < size;) {
    const { bytesRead } = await io(path, async () => file.read(buffer, 0, Math.min(buffer.length, size - at), at));
    if (bytesRead === 0) return;
    hasher.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
    onBytes?.(bytesRead);
  }
}

async function io<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw ioError(path, error);
  }
}

function ioError(path: string, cause: unknown): OcilotError<"IO_ERROR"> {
  const { code: errno, syscall } = cause as NodeJS.ErrnoException;
  const details = { path, ...(errno !== undefined && { errno }), ...(syscall !== undefined && { syscall }) };
  return new OcilotError("IO_ERROR", `${path}: ${errno ?? (cause as Error).message}`, details, { cause });
}
