import { closeSync, openSync, rmSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Readable, addAbortSignal } from "node:stream";
import { pipeline } from "node:stream/promises";
import { shellWord } from "../filesystem/shell-word.js";
import { isOcilotError } from "../errors.js";
import { ioError } from "../filesystem/io-error.js";
import { throwIfAborted } from "../abort.js";
import { sweepTemps } from "../filesystem/sweep-temps.js";
import { tempName } from "../filesystem/temp-file.js";
import { archiveInvalid, overLimit } from "./archive-error.js";
import { ArchiveFile } from "./archive-file.js";
import { decompressor } from "./compression.js";
import { sniffCompression } from "./sniff.js";
import { ZstdFrames } from "./zstd-frames.js";

/** How a stream is written to a temporary file. */
export interface SpoolOptions {
  /** The largest decompressed size, in bytes. */
  readonly maxSize: number;
  /** The directory of the temporary file (default: the system's temporary directory). */
  readonly tempDir?: string;
  readonly signal?: AbortSignal;
}

/**
 * Writes a stream, decompressed, to a private temporary file and returns that file, open. Its name is removed before this returns, where
 * the system allows that, else when the file is closed. What a process leaves that is killed before, the next call in the same directory
 * removes.
 * @throws OcilotError `LIMIT_EXCEEDED`, `ARCHIVE_INVALID` if it does not decompress, `UNSUPPORTED`, `ABORTED`, `IO_ERROR`
 */
export async function spool(source: Readable, location: string, options: SpoolOptions): Promise<ArchiveFile> {
  const directory = options.tempDir ?? tmpdir();
  const path = join(directory, tempName());
  try {
    await sweepTemps(directory);
    const file = await open(path, "wx", 0o600);
    try {
      await writeAll(source, file, location, options);
    } finally {
      await file.close();
    }
    return unnamed(location, path);
  } catch (error) {
    source.destroy();
    await rm(path, { force: true });
    throwIfAborted(options.signal);
    throw ioError(error, path);
  }
}

/** Opens the written file and removes its name. */
function unnamed(location: string, path: string): ArchiveFile {
  const fd = openSync(path, "r");
  try {
    rmSync(path);
    return new ArchiveFile(location, fd);
  } catch {
    closeSync(fd);
    return new NamedSpool(location, path);
  }
}

/** A temporary file on a system where an open file keeps its name. */
class NamedSpool extends ArchiveFile {
  readonly #remove: () => void;

  constructor(location: string, path: string) {
    super(location, openSync(path, "r"));
    this.#remove = () => rmSync(path, { force: true });
    process.once("exit", this.#remove);
  }

  override close(): void {
    super.close();
    process.off("exit", this.#remove);
    this.#remove();
  }
}

async function writeAll(source: Readable, file: FileHandle, location: string, { maxSize, signal }: SpoolOptions): Promise<void> {
  if (signal !== undefined) addAbortSignal(signal, source);
  let size = 0;
  const put = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > maxSize)
        throw overLimit(location, "uncompressed size", maxSize, size, "Allow more with --max-size if you trust the archive.");
      for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
    }
  };
  const { head, all } = await peek(source);
  const compression = sniffCompression(head);
  if (compression === "none") return await put(all);
  const unpack = decompressor(location, compression);
  let fed = 0;
  const frames = compression === "zstd" ? new ZstdFrames() : undefined;
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      fed += chunk.length;
      frames?.feed(chunk);
      yield chunk;
    }
  };
  try {
    await pipeline(all, counted, unpack, put);
  } catch (error) {
    if (isOcilotError(error) || signal?.aborted || !isCodecError(error)) throw error;
    throw archiveInvalid(location, `does not decompress: ${(error as Error).message}`, { cause: error });
  }
  // The zstd of Node before 26 stops after the first frame without an error, and leaves out the rest.
  if (unpack.bytesWritten !== fed) {
    throw archiveInvalid(location, `has more than one ${compression} frame, or something after it`, {
      hint: `Decompress it first: ${compression} -d < ${shellWord(location)} > NEW.tar`,
    });
  }
  if (frames?.isComplete === false) throw archiveInvalid(location, "does not decompress: the zstd data is cut off");
}

function isCodecError(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(?:Z_|ZSTD_)/.test(String(error.code));
}

/** Returns the first bytes of a stream, and the whole of it. */
async function peek(source: Readable): Promise<{ head: Buffer; all: AsyncIterable<Buffer> }> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first: Buffer[] = [];
  while (first.reduce((sum, c) => sum + c.length, 0) < 8) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    first.push(value);
  }
  const all = async function* (): AsyncIterable<Buffer> {
    yield* first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  };
  return { head: Buffer.concat(first), all: all() };
}
