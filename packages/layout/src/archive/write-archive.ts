import { type FileHandle, link, lstat, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { renameOver, syncDirectory } from "../atomic-write.js";
import { OcilotError } from "../errors.js";
import { errnoOf, ioError, throwIfAborted } from "../io-error.js";
import { sweepTemps, tempName } from "../temp-file.js";
import { type Compression, compressionOf, compressor } from "./compression.js";
import { type ArchiveMember, batches, tarBytes } from "./tar-bytes.js";

export type { ArchiveMember } from "./tar-bytes.js";

/** What is handed to the system at once. */
const BATCH = 1 << 20;

/** Where and how an archive is written. */
export interface ArchiveOutput {
  /** As the name of the file asks for (`.gz`, `.zst`) unless told; none for a stream. */
  readonly compression?: Compression;
  /** Replace a file that is there. */
  readonly force?: boolean;
  /** `false` trades safety against a power cut for speed; true unless told. */
  readonly sync?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Writes a tar, reproducibly: the same members give the same bytes (packed: with the same zlib or zstd). A file gets its
 * name only when it is whole; after a failure none is left. `-` is standard output, and a stream is not ended.
 * @throws OcilotError `OUTPUT_EXISTS`, `ARCHIVE_INVALID` where Node has no zstd, `ABORTED`, `IO_ERROR`, and what the members throw
 */
export async function writeArchive(sink: string | Writable, members: Iterable<ArchiveMember>, options: ArchiveOutput = {}): Promise<void> {
  if (typeof sink === "string" && sink !== "-") return await writeFile(sink, members, options);
  const stream = sink === "-" ? process.stdout : (sink as Writable);
  await writeStream(stream, sink === "-" ? "standard output" : "the stream", members, options);
}

/** @throws OcilotError `OUTPUT_EXISTS` unless `path` is free, or a file that `force` may replace */
export async function refuseTakenPath(path: string, force: boolean): Promise<void> {
  const there = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw ioError(error, path);
  });
  if (there === undefined || (force && !there.isDirectory())) return;
  throw outputExists(path, there.isDirectory());
}

function outputExists(path: string, isDirectory: boolean): OcilotError<"OUTPUT_EXISTS"> {
  return new OcilotError(
    "OUTPUT_EXISTS",
    isDirectory ? `${path} is a directory` : `${path} is there already, and an archive is never written into`,
    { path },
    { hint: "Name another file, or replace it with --force." },
  );
}

async function writeFile(path: string, members: Iterable<ArchiveMember>, options: ArchiveOutput): Promise<void> {
  const { force = false, sync = true, signal } = options;
  await refuseTakenPath(path, force);
  const directory = dirname(path);
  const temp = join(directory, tempName());
  const content = packed(path, members, options.compression ?? compressionOf(path));
  let fault: unknown;
  try {
    await sweepTemps(directory);
    const file = await open(temp, "wx", 0o666);
    try {
      for await (const batch of batches(
        watched(content, (error) => (fault = error)),
        BATCH,
      )) {
        throwIfAborted(signal);
        await writeAll(file, batch);
      }
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    throwIfAborted(signal);
    await takeName(temp, path, force);
    if (sync) await syncDirectory(directory);
  } catch (error) {
    throw error === fault ? error : ioError(error, path);
  } finally {
    await rm(temp, { force: true });
  }
}

/** Puts the file in its place; without `force` never over one that came there meanwhile, where the file system can tell. */
async function takeName(temp: string, path: string, force: boolean): Promise<void> {
  if (!force) {
    try {
      return await link(temp, path);
    } catch (error) {
      if (errnoOf(error) === "EEXIST") throw outputExists(path, false);
      // No hard links here: FAT, some network and container file systems.
      await refuseTakenPath(path, false);
    }
  }
  await renameOver(temp, path);
}

async function writeAll(file: FileHandle, batch: readonly Uint8Array[]): Promise<void> {
  const total = batch.reduce((sum, b) => sum + b.length, 0);
  const { bytesWritten } = await file.writev(batch);
  if (bytesWritten === total) return;
  const rest = Buffer.concat(batch).subarray(bytesWritten);
  for (let at = 0; at < rest.length;) at += (await file.write(rest, at)).bytesWritten;
}

const ignore = (): void => undefined;

async function writeStream(
  sink: Writable,
  name: string,
  members: Iterable<ArchiveMember>,
  { compression = "none", signal }: ArchiveOutput,
): Promise<void> {
  // The callback of each write tells of errors; without a listener the event would end the process.
  sink.on("error", ignore);
  let fault: unknown;
  try {
    for await (const batch of batches(
      watched(packed(name, members, compression), (error) => (fault = error)),
      BATCH,
    )) {
      throwIfAborted(signal);
      const last = batch.pop()!;
      for (const chunk of batch) sink.write(chunk);
      await new Promise<void>((resolve, reject) => sink.write(last, (error) => (error ? reject(error) : resolve())));
    }
  } catch (error) {
    throw error === fault ? error : ioError(error, name);
  } finally {
    sink.off("error", ignore);
  }
}

/** Tells what the content itself throws from what writing throws: that must not look like a fault of the target. */
async function* watched(chunks: AsyncIterable<Uint8Array>, onFault: (error: unknown) => void): AsyncIterable<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    onFault(error);
    throw error;
  }
}

function packed(archive: string, members: Iterable<ArchiveMember>, compression: Compression): AsyncIterable<Uint8Array> {
  return compression === "none" ? tarBytes(members) : compressed(archive, tarBytes(members), compression);
}

async function* compressed(archive: string, chunks: AsyncIterable<Uint8Array>, compression: "gzip" | "zstd"): AsyncIterable<Uint8Array> {
  const codec = compressor(archive, compression);
  const done = pipeline(chunks, codec);
  // Its error comes out of the codec as well.
  done.catch(() => undefined);
  let isFirst = compression === "gzip";
  for await (const chunk of codec as AsyncIterable<Buffer>) {
    // The header names the operating system; 255 is "unknown".
    if (isFirst) chunk[9] = 0xff;
    isFirst = false;
    yield chunk;
  }
  await done;
}
