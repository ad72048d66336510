import { closeSync, createReadStream, readSync } from "node:fs";
import { lstat, rm, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { setImmediate as breathe } from "node:timers/promises";
import { BlobDirectories, namesIn } from "./blob-directories.js";
import { writeBatch } from "./blob-batch.js";
import { shareFile } from "./blob-share.js";
import { writeBlobTemp } from "./blob-temp.js";
import { type Durability, renameOver, setMode, syncDirectory } from "./atomic-write.js";
import { type OcilotError, isOcilotError } from "./errors.js";
import { algorithmOf, digestOf } from "./hash.js";
import { errnoOf, ioError, throwIfAborted } from "./io-error.js";
import { insideTarget, openInside } from "./safe-open.js";
import type { Descriptor } from "./spec/descriptor.js";
import { type Algorithm, type Digest, blobPath, isDigest } from "./spec/digest.js";
import type { BlobListing, BlobSource, BlobStore } from "./storage.js";
import { tempName } from "./temp-file.js";
import { blobNotFound, checkBytes, sizeMismatch, tooLarge, verifiedStream } from "./verified-stream.js";

/** Files read between two turns of the event loop: plain calls are several times faster than a promise for each. */
const SLICE = 256;

/** What one system call reads; a larger blob is read as a stream or not at all. */
const MAX_BYTES = 2 ** 31 - 1;
/** Up to here reading at once is quicker than a stream. */
const SMALL_BYTES = 1 << 20;

/** The blobs of a layout directory. `root` is a real path. */
export class DirectoryBlobs implements BlobStore {
  readonly #root: string;
  readonly #durability: Durability;
  readonly #checkWritable: () => void;
  readonly #unsynced: Set<string> = new Set();
  readonly #directories: BlobDirectories;

  constructor(root: string, durability: Durability, checkWritable: () => void) {
    this.#root = root;
    this.#directories = new BlobDirectories(root);
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
    return this.#read(d, options.maxBytes);
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
        results.push(this.#read(d, options.maxBytes));
      } catch (error) {
        if (!isOcilotError(error)) throw error;
        results.push(error);
      }
    }
    return results;
  }

  async *list(): AsyncIterable<BlobListing> {
    for (const algorithm of await namesIn(join(this.#root, "blobs"))) {
      for (const encoded of await namesIn(join(this.#root, "blobs", algorithm))) {
        const digest = `${algorithm}:${encoded}`;
        if (!isDigest(digest)) continue;
        const found = await this.#listing(digest);
        if (found !== undefined) yield found;
      }
    }
  }

  /** Not opened: a blob that this user cannot read is there all the same. What leads outside is no blob. */
  async #listing(digest: Digest): Promise<BlobListing | undefined> {
    try {
      const path = this.#path(digest);
      this.#directories.check(dirname(path));
      const there = await lstat(path);
      if (there.isFile()) return { digest, size: there.size, modified: there.mtimeMs };
      const size = there.isSymbolicLink() ? await this.size(digest) : undefined;
      return size === undefined ? undefined : { digest, size, modified: there.mtimeMs };
    } catch (error) {
      if (isOcilotError(error, "LINK_OUTSIDE") || errnoOf(error) === "ENOENT") return undefined;
      throw ioError(error, blobPath(digest));
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
      throwIfAborted(options.signal);
      if (expect !== undefined) checkBytes(expect, source);
      const d: Descriptor = { mediaType, digest: expect?.digest ?? digestOf(source, algorithm), size: source.length };
      if (await this.#holds(d)) return d;
    }
    const { sync } = this.#durability;
    const { temp, ...content } = await writeBlobTemp(this.#root, source, { sync, algorithm, expect, signal: options.signal });
    const d: Descriptor = { mediaType, ...content };
    try {
      if (source instanceof Uint8Array || !(await this.#holds(d))) await this.#name(temp, this.#path(d.digest));
      return d;
    } catch (error) {
      throw ioError(error, blobPath(d.digest));
    } finally {
      await rm(temp, { force: true }).catch(() => undefined);
    }
  }

  async file(d: Descriptor): Promise<string | undefined> {
    const { fd, size } = this.#open(d.digest);
    closeSync(fd);
    return size === d.size ? insideTarget(this.#root, this.#path(d.digest)) : undefined;
  }

  async putMany(
    blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[],
    options: { signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#checkWritable();
    const files = blobs.map(({ descriptor, bytes }) => ({ path: this.#path(descriptor.digest), bytes }));
    try {
      const directories = new Set(files.map((f) => dirname(f.path)));
      for (const directory of directories) await this.#ensure(directory);
      await writeBatch(this.#root, files, { sync: this.#durability.sync, signal: options.signal });
      for (const directory of directories) this.#unsynced.add(directory);
    } catch (error) {
      throw ioError(error, "blobs/");
    }
  }

  async putFile(file: string, d: Descriptor, options: { link: boolean; signal?: AbortSignal }): Promise<boolean> {
    this.#checkWritable();
    const temp = join(this.#root, tempName());
    const path = this.#path(d.digest);
    try {
      if (!(await shareFile(file, temp, d, { ...options, sync: this.#durability.sync }))) return false;
      await this.#name(temp, path, !options.link);
      return true;
    } catch (error) {
      throw ioError(error, blobPath(d.digest));
    } finally {
      await rm(temp, { force: true }).catch(() => undefined);
    }
  }

  async #ensure(directory: string): Promise<void> {
    for (const changed of await this.#directories.ensure(directory)) this.#unsynced.add(changed);
    this.#unsynced.add(directory);
  }

  async #name(temp: string, path: string, isOwn = true): Promise<void> {
    if (isOwn) await setMode(temp, 0o644);
    await this.#ensure(dirname(path));
    await renameOver(temp, path);
    // Again: a sync meanwhile may have been too early.
    this.#unsynced.add(dirname(path));
  }

  async delete(digest: Digest, options: { before?: number } = {}): Promise<void> {
    this.#checkWritable();
    const path = this.#path(digest);
    try {
      this.#directories.check(dirname(path));
      if (options.before !== undefined && (await lstat(path)).mtimeMs >= options.before) return;
      await rm(path, { force: true });
      this.#unsynced.add(dirname(path));
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return;
      throw ioError(error, blobPath(digest));
    }
  }

  /** Makes the names of all blobs put since the last call durable; called before `index.json` may name them. */
  async sync(): Promise<void> {
    for (const directory of this.#unsynced) {
      // Forgotten first: a put that comes in while this waits must be remembered for the next time.
      this.#unsynced.delete(directory);
      try {
        if (this.#durability.sync) await syncDirectory(directory);
      } catch (error) {
        if (errnoOf(error) === "ENOENT") continue;
        this.#unsynced.add(directory);
        throw ioError(error, directory);
      }
    }
  }

  /** True where a blob is there already, whole. A damaged one is not "there": writing it again mends it. */
  async #holds(d: Descriptor): Promise<boolean> {
    try {
      if (d.size <= SMALL_BYTES) this.#read(d);
      else await finished((await this.open(d)).resume());
      // Whoever wrote it may not have made its name durable; and a collection must see that it is wanted again.
      this.#unsynced.add(dirname(this.#path(d.digest)));
      await utimes(this.#path(d.digest), new Date(), new Date()).catch(() => undefined);
      return true;
    } catch (error) {
      if (isOcilotError(error, "BLOB_NOT_FOUND", "SIZE_MISMATCH", "BLOB_CORRUPT", "LINK_OUTSIDE")) return false;
      throw error;
    }
  }

  #read(d: Descriptor, maxBytes = MAX_BYTES): Uint8Array {
    const limit = Math.min(maxBytes, MAX_BYTES);
    if (d.size > limit) throw tooLarge(d, limit);
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
      this.#directories.check(dirname(path));
      return openInside(this.#root, path);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(errnoOf(error) ?? "")) throw blobNotFound({ digest });
      throw ioError(error, blobPath(digest));
    }
  }

  #path(digest: Digest): string {
    return join(this.#root, blobPath(digest));
  }
}
