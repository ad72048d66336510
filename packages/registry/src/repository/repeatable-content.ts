import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Algorithm,
  type BlobSource,
  type Descriptor,
  type Digest,
  OcilotError,
  algorithmOf,
  corrupt,
  createHasher,
  sizeMismatch,
} from "@ocilot/layout";

/** Content up to here is kept in memory, more in a file. */
const MEMORY_BYTES = 4 << 20;
const PIECE_BYTES = 1 << 20;

/** Content of known digest and size that can be read as often as it takes. */
export interface RepeatableContent {
  readonly digest: Digest;
  readonly size: number;
  read(offset: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Removes what was kept of it. */
  dispose(): Promise<void>;
}

export interface RepeatableOptions {
  readonly expect?: Descriptor | undefined;
  /** sha256 by default; of `expect` its own. */
  readonly algorithm?: Algorithm | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a source to its end and keeps what it gave, so that it can be sent more than once: in memory, or from 4 MiB on in a temporary file.
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`, and what the source throws
 */
export async function repeatableContent(source: BlobSource, options: RepeatableOptions = {}): Promise<RepeatableContent> {
  const { expect, signal } = options;
  const hasher = createHasher(expect === undefined ? (options.algorithm ?? "sha256") : algorithmOf(expect.digest));
  const spool = new Spool();
  try {
    let size = 0;
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      if (signal?.aborted === true) throw new OcilotError("ABORTED", "interrupted", {}, { cause: signal.reason });
      size += chunk.length;
      if (expect !== undefined && size > expect.size) throw sizeMismatch(expect, size);
      hasher.update(chunk);
      await spool.write(chunk);
    }
    const digest = hasher.digest();
    if (expect !== undefined && size !== expect.size) throw sizeMismatch(expect, size);
    if (expect !== undefined && digest !== expect.digest) throw corrupt(expect, digest);
    const read = await spool.finish();
    return { digest, size, read, dispose: async () => await spool.remove() };
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

class Spool {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #directory: string | undefined;
  #file: Awaited<ReturnType<typeof open>> | undefined;

  async write(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    // A source may use the same memory again for its next chunk.
    if (this.#file === undefined) this.#chunks.push(Uint8Array.from(chunk));
    else for (let at = 0; at < chunk.length;) at += (await this.#file.write(chunk, at)).bytesWritten;
    if (this.#file === undefined && this.#size > MEMORY_BYTES) await this.#openFile();
  }

  async #openFile(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), "ocilot-upload-"));
    this.#file = await open(join(this.#directory, "content"), "wx", 0o600);
    const held = Buffer.concat(this.#chunks.splice(0));
    for (let at = 0; at < held.length;) at += (await this.#file.write(held, at)).bytesWritten;
  }

  async finish(): Promise<RepeatableContent["read"]> {
    if (this.#file === undefined) {
      const bytes = Buffer.concat(this.#chunks.splice(0));
      return (offset) => (offset < bytes.length ? [bytes.subarray(offset)] : []);
    }
    await this.#file.close();
    const path = join(this.#directory!, "content");
    return (start) => createReadStream(path, { start, highWaterMark: PIECE_BYTES });
  }

  async remove(): Promise<void> {
    await this.#file?.close().catch(() => undefined);
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }
}
