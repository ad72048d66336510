import { lstat, open as openFile, rm, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { type Durability, setMode, syncDirectory } from "../filesystem/atomic-write.js";
import { renameOver } from "../filesystem/rename-over.js";
import { writeBatch } from "./blob-batch.js";
import { linkFile, shareFile } from "../mover/share-file.js";
import { writeBlobTemp, writeExtentTemp } from "./blob-temp.js";
import { DirectoryBlobReader } from "./directory-blob-reader.js";
import { isOcilotError } from "../errors.js";
import { algorithmOf, digestOf } from "../content/hash.js";
import { downloadPartial } from "./partial-blob.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { throwIfAborted } from "../abort.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { Algorithm, Digest } from "../spec/digest.js";
import { FileSystemClock } from "../filesystem/clock.js";
import type { LinkRule } from "../filesystem/safe-open.js";
import type { BlobExtent, ExtentMover } from "../mover/blob-extent.js";
import type { BlobSource, BlobStore, DeleteOptions } from "../storage.js";
import { removeTemp, tempName } from "../filesystem/temp-file.js";
import { checkBytes } from "../content/check-bytes.js";

/** Blobs up to this size are read at once, larger ones as a stream, in bytes. */
const SMALL_BYTES = 1 << 20;

/** Reads and writes the blobs of a layout directory. A blob gets its name only when it is complete. */
export class DirectoryBlobs extends DirectoryBlobReader implements BlobStore {
  readonly #durability: Durability;
  readonly #checkWritable: () => void;
  readonly #unsynced: Set<string> = new Set();
  readonly #clock: FileSystemClock;

  /** @param checkWritable throws where the layout must not be written */
  constructor(rule: LinkRule, durability: Durability, checkWritable: () => void) {
    super(rule);
    this.#durability = durability;
    this.#checkWritable = checkWritable;
    this.#clock = new FileSystemClock(rule.root);
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
    const { temp, ...content } = await writeBlobTemp(this.rule.root, source, { sync, algorithm, expect, signal: options.signal });
    const d: Descriptor = { mediaType, ...content };
    try {
      if (source instanceof Uint8Array || !(await this.#holds(d))) await this.#name(temp, this.path(d.digest));
      return d;
    } catch (error) {
      throw ioError(error, this.path(d.digest));
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
      await writeBatch(this.rule.root, files, { sync: this.#durability.sync, signal: options.signal });
      for (const directory of directories) this.#unsynced.add(directory);
    } catch (error) {
      throw ioError(error, this.rule.root);
    }
  }

  async putFile(file: string, d: Descriptor, options: { link: boolean; mover: ExtentMover }): Promise<boolean> {
    this.#checkWritable();
    options.mover.check();
    const temp = join(this.rule.root, tempName());
    try {
      if (options.link) return await this.#link(file, temp, this.path(d.digest));
      if (!(await shareFile(file, temp, d, { mover: options.mover, sync: this.#durability.sync }))) return false;
      await this.#name(temp, this.path(d.digest));
      return true;
    } catch (error) {
      removeTemp(temp);
      throw ioError(error, this.path(d.digest));
    }
  }

  /** Replaces a corrupt blob of that name by way of `temp`. */
  async #link(file: string, temp: string, path: string): Promise<boolean> {
    await this.#ensure(dirname(path));
    const { sync } = this.#durability;
    try {
      if (!linkFile(file, path, sync)) return false;
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      if (!linkFile(file, temp, sync)) return false;
      await renameOver(temp, path);
      // Renaming one name of a file over another name of it leaves both.
      removeTemp(temp);
    }
    this.#unsynced.add(dirname(path));
    return true;
  }

  async putExtent(extent: BlobExtent, d: Descriptor, options: { mover: ExtentMover; onBytes?: (n: number) => void }): Promise<void> {
    this.#checkWritable();
    const temp = await writeExtentTemp(this.rule.root, extent, d, { ...options, sync: this.#durability.sync });
    try {
      await this.#name(temp, this.path(d.digest));
    } catch (error) {
      removeTemp(temp);
      throw ioError(error, this.path(d.digest));
    }
  }

  async putDownload(d: Descriptor, download: (file: string) => Promise<void>): Promise<void> {
    this.#checkWritable();
    let fault: unknown;
    const watched = async (file: string): Promise<void> => {
      try {
        await download(file);
      } catch (error) {
        fault = error;
        throw error;
      }
    };
    try {
      const file = await downloadPartial(this.rule.root, d.digest, watched);
      if (this.#durability.sync) await syncFile(file);
      await this.#name(file, this.path(d.digest));
    } catch (error) {
      throw error === fault ? error : ioError(error, this.path(d.digest));
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
    // Added once more: a sync since `#ensure` came before the rename.
    this.#unsynced.add(dirname(path));
  }

  async delete(digest: Digest, { before, keep }: DeleteOptions = {}): Promise<boolean> {
    this.#checkWritable();
    const path = this.path(digest);
    try {
      this.directories.checkWritable(dirname(path));
      if (before !== undefined && (await lstat(path)).mtimeMs >= before) return false;
      if (keep === undefined ? this.directories.isAliased(digest) : keep.has((await this.fileIdentity(digest)) ?? "")) return false;
      await rm(path);
      this.#unsynced.add(dirname(path));
      return true;
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return false;
      throw ioError(error, this.path(digest));
    }
  }

  async now(): Promise<number> {
    return this.#clock.now();
  }

  /** Makes the names of all blobs stored since the last call durable. Called before `index.json` may name them. */
  async sync(): Promise<void> {
    for (const directory of this.#unsynced) {
      // Removed first: a blob stored while this waits adds its directory again.
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

  /** Returns true if the blob is present and its content is right. A corrupt blob counts as absent, so that storing it repairs it. */
  async #holds(d: Descriptor): Promise<boolean> {
    try {
      if (d.size <= SMALL_BYTES) this.read(d);
      else await finished((await this.open(d)).resume());
      // The program that wrote it may not have made its name durable, and a garbage collection must see that it is requested again.
      this.#unsynced.add(dirname(this.path(d.digest)));
      const seconds = this.#clock.now() / 1000;
      await utimes(this.path(d.digest), seconds, seconds).catch(() => undefined);
      return true;
    } catch (error) {
      if (isOcilotError(error, "BLOB_NOT_FOUND", "SIZE_MISMATCH", "BLOB_CORRUPT", "LINK_OUTSIDE")) return false;
      throw error;
    }
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await openFile(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
