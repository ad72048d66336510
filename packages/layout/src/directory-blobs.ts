import { closeSync, lstatSync } from "node:fs";
import { lstat, rm, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { type Durability, renameOver, setMode, syncDirectory } from "./atomic-write.js";
import { writeBatch } from "./blob-batch.js";
import type { BlobMover } from "./blob-mover.js";
import { linkFile, shareFile } from "./blob-share.js";
import { writeBlobTemp, writeExtentTemp } from "./blob-temp.js";
import { DirectoryBlobReader } from "./directory-blob-reader.js";
import { isOcilotError } from "./errors.js";
import { algorithmOf, digestOf } from "./hash.js";
import { errnoOf, ioError, throwIfAborted } from "./io-error.js";
import type { Descriptor } from "./spec/descriptor.js";
import { type Algorithm, type Digest, blobPath } from "./spec/digest.js";
import { openInside } from "./safe-open.js";
import type { BlobExtent, BlobSource, BlobStore } from "./storage.js";
import { removeTemp, tempName } from "./temp-file.js";
import { blobNotFound, checkBytes, sizeMismatch } from "./verified-stream.js";

/** Up to here reading at once is quicker than a stream. */
const SMALL_BYTES = 1 << 20;

/** The blobs of a layout directory. `root` is a real path. */
export class DirectoryBlobs extends DirectoryBlobReader implements BlobStore {
  readonly #durability: Durability;
  readonly #checkWritable: () => void;
  readonly #unsynced: Set<string> = new Set();

  constructor(root: string, durability: Durability, checkWritable: () => void) {
    super(root);
    this.#durability = durability;
    this.#checkWritable = checkWritable;
  }

  /** A file is not opened for that: one that this user may not read is there all the same. */
  override async size(digest: Digest): Promise<number | undefined> {
    const path = this.path(digest);
    try {
      this.directories.check(dirname(path));
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (there === undefined) return undefined;
      if (there.isFile()) return there.size;
    } catch {
      // What is odd about it is found out below.
    }
    return await super.size(digest);
  }

  override async file(d: Descriptor): Promise<string | undefined> {
    const path = this.path(d.digest);
    try {
      this.directories.check(dirname(path));
      const there = lstatSync(path);
      if (there.isFile()) return there.size === d.size ? path : undefined;
    } catch {
      // As above.
    }
    return await super.file(d);
  }

  async extent(d: Descriptor): Promise<BlobExtent> {
    const path = this.path(d.digest);
    try {
      this.directories.check(dirname(path));
      const { fd, size } = openInside(this.root, path);
      let isOpen = true;
      const close = (): void => {
        if (isOpen) closeSync(fd);
        isOpen = false;
      };
      if (size === d.size) return { fd, offset: 0, size, isWholeFile: true, close };
      close();
      throw sizeMismatch(d, size);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(errnoOf(error) ?? "")) throw blobNotFound(d);
      throw ioError(error, blobPath(d.digest));
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
    const { temp, ...content } = await writeBlobTemp(this.root, source, { sync, algorithm, expect, signal: options.signal });
    const d: Descriptor = { mediaType, ...content };
    try {
      if (source instanceof Uint8Array || !(await this.#holds(d))) await this.#name(temp, this.path(d.digest));
      return d;
    } catch (error) {
      throw ioError(error, blobPath(d.digest));
    } finally {
      await rm(temp, { force: true }).catch(() => undefined);
    }
  }

  async putMany(
    blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[],
    options: { signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#checkWritable();
    const files = blobs.map(({ descriptor, bytes }) => ({ path: this.path(descriptor.digest), bytes }));
    try {
      const directories = new Set(files.map((f) => dirname(f.path)));
      for (const directory of directories) await this.#ensure(directory);
      await writeBatch(this.root, files, { sync: this.#durability.sync, signal: options.signal });
      for (const directory of directories) this.#unsynced.add(directory);
    } catch (error) {
      throw ioError(error, "blobs/");
    }
  }

  async putFile(file: string, d: Descriptor, options: { link: boolean; mover: BlobMover }): Promise<boolean> {
    this.#checkWritable();
    options.mover.check();
    const temp = join(this.root, tempName());
    try {
      if (options.link) return await this.#link(file, temp, this.path(d.digest));
      if (!(await shareFile(file, temp, d, { mover: options.mover, sync: this.#durability.sync }))) return false;
      await this.#name(temp, this.path(d.digest));
      return true;
    } catch (error) {
      removeTemp(temp);
      throw ioError(error, blobPath(d.digest));
    }
  }

  /** Over what is there, which is damaged, it goes by way of `temp`. */
  async #link(file: string, temp: string, path: string): Promise<boolean> {
    await this.#ensure(dirname(path));
    const { sync } = this.#durability;
    try {
      if (!linkFile(file, path, sync)) return false;
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      if (!linkFile(file, temp, sync)) return false;
      await renameOver(temp, path);
      // Two names of one file are not renamed over each other: both would stay.
      removeTemp(temp);
    }
    this.#unsynced.add(dirname(path));
    return true;
  }

  async putExtent(extent: BlobExtent, d: Descriptor, options: { mover: BlobMover; onBytes?: (n: number) => void }): Promise<void> {
    this.#checkWritable();
    const temp = await writeExtentTemp(this.root, extent, d, { ...options, sync: this.#durability.sync });
    try {
      await this.#name(temp, this.path(d.digest));
    } catch (error) {
      removeTemp(temp);
      throw ioError(error, blobPath(d.digest));
    }
  }

  keep(digest: Digest): void {
    this.#unsynced.add(dirname(this.path(digest)));
  }

  async #ensure(directory: string): Promise<void> {
    for (const changed of await this.directories.ensure(directory)) this.#unsynced.add(changed);
    this.#unsynced.add(directory);
  }

  async #name(temp: string, path: string): Promise<void> {
    await setMode(temp, 0o644);
    await this.#ensure(dirname(path));
    await renameOver(temp, path);
    // Again: a sync meanwhile may have been too early.
    this.#unsynced.add(dirname(path));
  }

  async delete(digest: Digest, options: { before?: number } = {}): Promise<void> {
    this.#checkWritable();
    const path = this.path(digest);
    try {
      this.directories.check(dirname(path));
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
      if (d.size <= SMALL_BYTES) this.read(d);
      else await finished((await this.open(d)).resume());
      // Whoever wrote it may not have made its name durable; and a collection must see that it is wanted again.
      this.#unsynced.add(dirname(this.path(d.digest)));
      await utimes(this.path(d.digest), new Date(), new Date()).catch(() => undefined);
      return true;
    } catch (error) {
      if (isOcilotError(error, "BLOB_NOT_FOUND", "SIZE_MISMATCH", "BLOB_CORRUPT", "LINK_OUTSIDE")) return false;
      throw error;
    }
  }
}
