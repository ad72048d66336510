import { closeSync, createReadStream, readSync } from "node:fs";
import { type FileHandle, chmod, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { setImmediate as breathe } from "node:timers/promises";
import { ensureDir } from "fs-extra/esm";
import { type Durability, syncDirectory } from "./atomic-write.js";
import { OcilotError, isOcilotError } from "./errors.js";
import { algorithmOf, createHasher, digestOf } from "./hash.js";
import { errnoOf, ioError, throwIfAborted } from "./io-error.js";
import { insideTarget, openInside } from "./safe-open.js";
import type { Descriptor } from "./spec/descriptor.js";
import { type Algorithm, type Digest, blobPath, isDigest } from "./spec/digest.js";
import type { BlobSource, BlobStore } from "./storage.js";
import { tempName } from "./temp-file.js";
import { blobNotFound, checkBytes, corrupt, sizeMismatch, tooLarge, verifiedStream } from "./verified-stream.js";

/** Files read between two turns of the event loop: plain calls are several times faster than a promise for each. */
const SLICE = 256;

/** The blobs of a layout directory. `root` is a real path. */
export class DirectoryBlobs implements BlobStore {
  readonly #root: string;
  readonly #durability: Durability;
  readonly #checkWritable: () => void;
  readonly #unsynced: Set<string> = new Set();
  readonly #checkedDirs: Set<string> = new Set();

  constructor(root: string, durability: Durability, checkWritable: () => void) {
    this.#root = root;
    this.#durability = durability;
    this.#checkWritable = checkWritable;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  async size(digest: Digest): Promise<number | undefined> {
    try {
      const { fd, size } = this.#open(digest);
      closeSync(fd);
      return size;
    } catch (error) {
      if (isOcilotError(error, "BLOB_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async open(d: Descriptor): Promise<Readable> {
    const check = verifiedStream(d);
    const { fd, size } = this.#open(d.digest);
    if (size !== d.size) {
      closeSync(fd);
      throw sizeMismatch(d, size);
    }
    const file = createReadStream("", { fd, highWaterMark: 1 << 20 });
    file.on("error", (error) => check.destroy(ioError(error, blobPath(d.digest))));
    check.on("close", () => file.destroy());
    return file.pipe(check);
  }

  async bytes(d: Descriptor, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    return this.#read(d, options.maxBytes ?? Number.MAX_SAFE_INTEGER);
  }

  async bytesMany(
    ds: readonly Descriptor[],
    options: { maxBytes?: number; signal?: AbortSignal } = {},
  ): Promise<(Uint8Array | OcilotError)[]> {
    const results: (Uint8Array | OcilotError)[] = [];
    for (const d of ds) {
      if (results.length % SLICE === SLICE - 1) {
        await breathe();
        throwIfAborted(options.signal);
      }
      try {
        results.push(this.#read(d, options.maxBytes ?? Number.MAX_SAFE_INTEGER));
      } catch (error) {
        if (!isOcilotError(error)) throw error;
        results.push(error);
      }
    }
    return results;
  }

  async *list(): AsyncIterable<{ digest: Digest; size: number }> {
    for (const algorithm of await namesIn(join(this.#root, "blobs"))) {
      for (const encoded of await namesIn(join(this.#root, "blobs", algorithm))) {
        const digest = `${algorithm}:${encoded}`;
        if (!isDigest(digest)) continue;
        const size = await this.size(digest).catch(() => undefined);
        if (size !== undefined) yield { digest, size };
      }
    }
  }

  async put(
    source: BlobSource,
    options: { expect?: Descriptor; algorithm?: Algorithm; mediaType?: string; signal?: AbortSignal } = {},
  ): Promise<Descriptor> {
    this.#checkWritable();
    const { expect } = options;
    const algorithm = expect === undefined ? (options.algorithm ?? "sha256") : algorithmOf(expect.digest);
    const mediaType = options.mediaType ?? expect?.mediaType ?? "application/octet-stream";
    if (source instanceof Uint8Array) {
      const d: Descriptor = { mediaType, digest: digestOf(source, algorithm), size: source.length };
      if (expect !== undefined) checkBytes(expect, source);
      if (this.#holds(d)) return d;
    }
    const temp = join(this.#root, tempName());
    try {
      const file = await open(temp, "wx", 0o600);
      let d: Descriptor;
      try {
        d = { mediaType, ...(await writeAll(file, source, algorithm, options.signal)) };
        if (expect !== undefined && d.size !== expect.size) throw sizeMismatch(expect, d.size);
        if (expect !== undefined && d.digest !== expect.digest) throw corrupt(expect, d.digest);
        if (this.#durability.sync) await file.sync();
      } finally {
        await file.close();
      }
      await chmod(temp, 0o644);
      const path = this.#path(d.digest);
      await this.#ensureDirectory(dirname(path));
      await rename(temp, path);
      this.#unsynced.add(dirname(path));
      return d;
    } catch (error) {
      await rm(temp, { force: true });
      throw ioError(error, temp);
    }
  }

  async delete(digest: Digest): Promise<void> {
    this.#checkWritable();
    try {
      await rm(this.#path(digest), { force: true });
      this.#unsynced.add(dirname(this.#path(digest)));
    } catch (error) {
      throw ioError(error, blobPath(digest));
    }
  }

  /** Makes the names of all blobs put since the last call durable; called before `index.json` may name them. */
  async sync(): Promise<void> {
    if (this.#durability.sync) for (const directory of this.#unsynced) await syncDirectory(directory);
    this.#unsynced.clear();
  }

  /** True where a blob is there already, whole. A damaged one is not "there": writing it again mends it. */
  #holds(d: Descriptor): boolean {
    try {
      this.#read(d, Number.MAX_SAFE_INTEGER);
      return true;
    } catch (error) {
      if (isOcilotError(error, "BLOB_NOT_FOUND", "SIZE_MISMATCH", "BLOB_CORRUPT", "LINK_OUTSIDE")) return false;
      throw error;
    }
  }

  #read(d: Descriptor, maxBytes: number): Uint8Array {
    if (d.size > maxBytes) throw tooLarge(d, maxBytes);
    const { fd, size } = this.#open(d.digest);
    try {
      if (size !== d.size) throw sizeMismatch(d, size);
      const bytes = Buffer.allocUnsafe(size);
      let filled = 0;
      while (filled < size) {
        const n = readSync(fd, bytes, filled, size - filled, filled);
        if (n === 0) throw sizeMismatch(d, filled);
        filled += n;
      }
      return checkBytes(d, bytes);
    } catch (error) {
      throw ioError(error, blobPath(d.digest));
    } finally {
      closeSync(fd);
    }
  }

  #open(digest: Digest): { fd: number; size: number } {
    const path = this.#path(digest);
    try {
      this.#checkDirectory(dirname(path));
      return openInside(this.#root, path);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(errnoOf(error) ?? "")) throw blobNotFound({ digest });
      throw ioError(error, blobPath(digest));
    }
  }

  /** `blobs` or `blobs/<algorithm>` may be links themselves; they too must stay inside. */
  #checkDirectory(directory: string): void {
    if (this.#checkedDirs.has(directory)) return;
    insideTarget(this.#root, directory);
    this.#checkedDirs.add(directory);
  }

  async #ensureDirectory(directory: string): Promise<void> {
    if (this.#checkedDirs.has(directory)) return;
    const isNew = (await lstat(directory).catch(() => undefined)) === undefined;
    await ensureDir(directory);
    this.#checkDirectory(directory);
    if (isNew) this.#unsynced.add(dirname(directory)).add(this.#root);
  }

  #path(digest: Digest): string {
    return join(this.#root, blobPath(digest));
  }
}

async function writeAll(
  file: FileHandle,
  source: BlobSource,
  algorithm: Algorithm,
  signal?: AbortSignal,
): Promise<{ digest: Digest; size: number }> {
  const hasher = createHasher(algorithm);
  let size = 0;
  for await (const chunk of source instanceof Uint8Array ? [source] : source) {
    throwIfAborted(signal);
    hasher.update(chunk);
    size += chunk.length;
    for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
  }
  return { digest: hasher.digest(), size };
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return [];
    throw ioError(error, directory);
  }
}
