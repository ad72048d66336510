import { closeSync, openSync, rmSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Readable, addAbortSignal } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isOcilotError } from "../errors.js";
import { ioError, throwIfAborted } from "../io-error.js";
import { tempName } from "../temp-file.js";
import { archiveInvalid, overLimit } from "./archive-error.js";
import { ArchiveFile } from "./archive-file.js";
import { decompressor, sniffCompression } from "./compression.js";

/** Where a stream is put down, and how much of it. */
export interface SpoolOptions {
  /** The largest size, decompressed. */
  readonly maxSize: number;
  /** The directory of the temporary file; that of the system unless told. */
  readonly tempDir?: string;
  readonly signal?: AbortSignal;
}

/**
 * Puts a stream, decompressed, into a private temporary file that has no name any more when this returns, so that
 * not even a killed process leaves it behind. (Where an open file cannot lose its name, it goes when it is closed.)
 * @throws OcilotError `LIMIT_EXCEEDED`, `ARCHIVE_INVALID` if it does not decompress, `ABORTED`, `IO_ERROR`
 */
export async function spool(source: Readable, location: string, options: SpoolOptions): Promise<ArchiveFile> {
  const path = join(options.tempDir ?? tmpdir(), tempName());
  try {
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

/** Opens what has been written and takes its name away. */
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

/** For a system where an open file keeps its name. */
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
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      fed += chunk.length;
      yield chunk;
    }
  };
  try {
    await pipeline(all, counted, unpack, put);
  } catch (error) {
    if (isOcilotError(error) || signal?.aborted || !isCodecError(error)) throw error;
    throw archiveInvalid(location, `does not decompress: ${(error as Error).message}`, { cause: error });
  }
  // Node's zstd stops in silence after the first frame, and leaves out what comes behind it.
  if (unpack.bytesWritten !== fed) {
    throw archiveInvalid(location, `is more than one ${compression} frame, or has something behind it`, {
      hint: `Decompress it first: ${compression} -d.`,
    });
  }
}

function isCodecError(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(?:Z_|ZSTD_)/.test(String(error.code));
}

/** The first bytes of a stream, and the whole of it. */
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
