import { link, lstat, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { syncDirectory } from "../filesystem/atomic-write.js";
import { renameOver } from "../filesystem/rename-over.js";
import { EarlySync } from "../filesystem/early-sync.js";
import { OcilotError } from "../errors.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { throwIfAborted } from "../abort.js";
import { shellWord } from "../filesystem/shell-word.js";
import { sweepTemps } from "../filesystem/sweep-temps.js";
import { removeTemp, tempName } from "../filesystem/temp-file.js";
import { type Compression, compressionOf, compressor } from "./compression.js";
import { RUN_BYTES, piecesFrom, runsOf, writePieces } from "./pieces.js";
import { writePlainTar } from "./plain-tar.js";
import { type ArchiveMember, type MemberProgress, tarBytes } from "./tar-bytes.js";
import { watched } from "./watched.js";

export type { ArchiveMember, MemberProgress } from "./tar-bytes.js";

/** Where and how an archive is written. */
export interface ArchiveOutput {
  /** The compression (default: what the suffix of the file asks for, `.gz` or `.zst`; none for a stream). */
  readonly compression?: Compression;
  /** Replace an existing file (default: false). */
  readonly force?: boolean;
  /** `false` skips syncing to the disk: faster, but data may be lost on power failure (default: true). */
  readonly sync?: boolean;
  readonly signal?: AbortSignal;
  /** Called as the content of members is written, not in their order. */
  readonly onMember?: MemberProgress;
}

/**
 * Writes a tar reproducibly: the same members give the same bytes (compressed: with the same zlib or zstd). A file gets its name only when
 * it is complete; after a failure nothing is left. `-` is standard output. A stream is not ended.
 * @throws OcilotError `OUTPUT_EXISTS`, `PATH_NOT_FOUND` without its directory, `UNSUPPORTED` if Node lacks zstd, `ABORTED`, `ACCESS_DENIED`, `IO_ERROR`, and what the members throw
 * @example
 * ```ts
 * import { Layout, layoutMembers, writeArchive } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * await writeArchive("./layout.tar.zst", await layoutMembers(layout), { compression: "zstd" });
 * ```
 */
export async function writeArchive(sink: string | Writable, members: Iterable<ArchiveMember>, options: ArchiveOutput = {}): Promise<void> {
  if (typeof sink === "string" && sink !== "-") return await writeFile(sink, members, options);
  const stream = sink === "-" ? process.stdout : (sink as Writable);
  await writeStream(stream, sink === "-" ? "standard output" : "the stream", members, options);
}

/**
 * Refuses a path that is taken, except by a file where `force` is set, or whose directory does not exist.
 * @throws OcilotError `OUTPUT_EXISTS`, `PATH_NOT_FOUND`
 * @internal Exported for the sibling packages, which refuse a path before they read anything.
 */
export async function refuseTakenPath(path: string, force: boolean): Promise<void> {
  const there = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw ioError(error, path);
  });
  if (there === undefined) return await refuseMissingDirectory(path);
  if (force && !there.isDirectory()) return;
  // A process killed right after the file got its name leaves its temporary name beside it.
  await sweepTemps(dirname(path)).catch(() => undefined);
  throw outputExists(path, there.isDirectory());
}

async function refuseMissingDirectory(path: string): Promise<void> {
  const directory = dirname(path);
  const isThere = await stat(directory).then(
    (s) => s.isDirectory(),
    (error: unknown) => errnoOf(error) !== "ENOENT",
  );
  if (isThere) return;
  throw new OcilotError(
    "PATH_NOT_FOUND",
    `${path} cannot be written: the directory ${directory} does not exist`,
    { path: directory },
    { hint: `Create it with: mkdir -p ${shellWord(directory)}` },
  );
}

function outputExists(path: string, isDirectory: boolean): OcilotError<"OUTPUT_EXISTS"> {
  return new OcilotError(
    "OUTPUT_EXISTS",
    isDirectory ? `${path} is a directory` : `${path} already exists; archives cannot be updated in place`,
    { path },
    { hint: "Name another file, or replace it with --force." },
  );
}

async function writeFile(path: string, members: Iterable<ArchiveMember>, options: ArchiveOutput): Promise<void> {
  const { force = false, sync = true, signal } = options;
  const compression = options.compression ?? compressionOf(path);
  await refuseTakenPath(path, force);
  const directory = dirname(path);
  const temp = join(directory, tempName());
  const faults = new Set<unknown>();
  const onFault = (error: unknown): void => void faults.add(error);
  try {
    await sweepTemps(directory);
    const file = await open(temp, "wx", 0o666);
    const early = new EarlySync(file.fd);
    const onProgress: MemberProgress = (event) => {
      if (sync) early.note(event.bytes);
      options.onMember?.(event);
    };
    try {
      if (compression === "none") await writePlainTar(file, [...members], { signal, onProgress, onFault });
      else
        await writePieces(file, piecesFrom(0, watched(compressed(path, tarBytes(members, onProgress), compression), onFault)), () =>
          throwIfAborted(signal),
        );
      await early.settle();
      if (sync) await file.sync();
    } finally {
      await early.end();
      await file.close();
    }
    throwIfAborted(signal);
    await takeName(temp, path, force);
    if (sync) await syncDirectory(directory);
  } catch (error) {
    throw faults.has(error) ? error : ioError(error, path);
  } finally {
    // After a link the file has both names.
    removeTemp(temp);
  }
}

/**
 * Gives the file its name. Without `force` it does not replace a file that another program made meanwhile, where the file system can tell.
 */
async function takeName(temp: string, path: string, force: boolean): Promise<void> {
  if (!force) {
    try {
      return await link(temp, path);
    } catch (error) {
      if (errnoOf(error) === "EEXIST") throw outputExists(path, false);
      // The file system has no hard links: FAT, some network and container volumes.
      await refuseTakenPath(path, false);
    }
  }
  await renameOver(temp, path);
}

const ignore = (): void => undefined;

async function writeStream(
  sink: Writable,
  name: string,
  members: Iterable<ArchiveMember>,
  { compression = "none", signal, onMember }: ArchiveOutput,
): Promise<void> {
  // The callback of each write reports errors; without a listener the event would end the process.
  sink.on("error", ignore);
  let fault: unknown;
  try {
    const plain = tarBytes(members, onMember);
    const bytes = compression === "none" ? plain : compressed(name, plain, compression);
    for await (const { chunks } of runsOf(
      piecesFrom(
        0,
        watched(bytes, (error) => (fault = error)),
      ),
      RUN_BYTES,
    )) {
      throwIfAborted(signal);
      const last = chunks.pop()!;
      for (const chunk of chunks) sink.write(chunk);
      await new Promise<void>((resolve, reject) => sink.write(last, (error) => (error ? reject(error) : resolve())));
    }
  } catch (error) {
    // The event comes after the callback.
    await new Promise((resolve) => setImmediate(resolve));
    throw error === fault ? error : ioError(error, name);
  } finally {
    sink.off("error", ignore);
  }
}

async function* compressed(archive: string, chunks: AsyncIterable<Uint8Array>, compression: "gzip" | "zstd"): AsyncIterable<Uint8Array> {
  const codec = compressor(archive, compression);
  const done = pipeline(chunks, codec);
  // The codec reports the same error.
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
