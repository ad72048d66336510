import { closeSync, createReadStream, lstatSync, readSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { Readable } from "node:stream";
import { embeddedData } from "../content/embedded-data.js";
import { algorithmOf, hasDigest } from "../content/hash.js";
import { readMany, visitEach } from "../content/read-many.js";
import { blobNotFound, checkBytes, sizeMismatch, tooLarge } from "../content/check-bytes.js";
import { verifiedStream } from "../content/verified-stream.js";
import { throwIfAborted } from "../abort.js";
import { OcilotError, isOcilotError } from "../errors.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { type LinkRule, type OpenFile, ReadMemory, linkTarget, openInside, readExactly } from "../filesystem/safe-open.js";
import type { BlobExtent } from "../mover/blob-extent.js";
import type { Descriptor } from "../spec/descriptor.js";
import { type Algorithm, type Digest, blobPath, isAlgorithm, splitDigest } from "../spec/digest.js";
import type { BlobListing, BlobReader, ReadBytesOptions, ReadOptions, VisitBlob } from "../storage.js";
import { BlobDirectories } from "./blob-directories.js";
import { BlobFiles } from "./blob-files.js";
import { ListedNames } from "./listed-names.js";

/** The most that one system call reads, in bytes; a larger blob is read as a stream only. */
const MAX_BYTES = 2 ** 31 - 1;
/** Above this number of blobs it takes less time to list a directory than to ask for each. */
const MANY = 256;
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

/** A directory of blobs that may be read from; `path` ends in a separator. */
interface CheckedDirectory {
  readonly path: string;
  readonly algorithm: Algorithm;
}

/** Reads the blobs of a layout directory. A blob that is missing is read from its descriptor, where that embeds the content. */
export class DirectoryBlobReader implements BlobReader {
  protected readonly rule: LinkRule;
  protected readonly directories: BlobDirectories;
  readonly #files: BlobFiles;
  readonly #checked: Map<string, CheckedDirectory> = new Map();
  #memory: ReadMemory | undefined;

  constructor(rule: LinkRule) {
    this.rule = rule;
    this.directories = new BlobDirectories(rule);
    this.#files = new BlobFiles(rule, this.directories);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  async hasMany(digests: readonly Digest[]): Promise<boolean[]> {
    if (digests.length <= MANY) return await Promise.all(digests.map((digest) => this.has(digest)));
    const listings = new Map<string, ListedNames | undefined>();
    const present: boolean[] = [];
    for (const digest of digests) {
      const { algorithm, encoded } = splitDigest(digest);
      if (!listings.has(algorithm)) listings.set(algorithm, this.#namesOf(algorithm));
      present.push(listings.get(algorithm)?.hasFile(encoded) ?? (await this.has(digest)));
    }
    return present;
  }

  async size(digest: Digest): Promise<number | undefined> {
    const plain = this.#plainSize(digest);
    if (plain !== undefined) return plain === "absent" ? undefined : plain;
    try {
      const { fd, size } = this.#open(digest);
      closeSync(fd);
      return size;
    } catch (error) {
      if (isOcilotError(error, "BLOB_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async open(d: Descriptor, { signal }: ReadOptions = {}): Promise<Readable> {
    throwIfAborted(signal);
    algorithmOf(d.digest);
    const found = this.#openOrEmbedded(d);
    if (found instanceof Uint8Array) return Readable.from([found]);
    const { fd, size } = found;
    if (size !== d.size) {
      closeSync(fd);
      throw sizeMismatch(d, size);
    }
    const file = createReadStream("", { fd, highWaterMark: 1 << 20 });
    const check = verifiedStream(d, signal);
    file.on("error", (error) => check.destroy(ioError(error, blobPath(d.digest))));
    check.on("close", () => file.destroy());
    return file.pipe(check);
  }

  async bytes(d: Descriptor, options: ReadBytesOptions = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal);
    return this.read(d, options.maxBytes);
  }

  async bytesMany(ds: readonly Descriptor[], options: ReadBytesOptions = {}): Promise<(Uint8Array | OcilotError)[]> {
    return await readMany(ds, (d) => this.read(d, options.maxBytes), options.signal);
  }

  async visitMany(ds: readonly Descriptor[], visit: VisitBlob, options: ReadBytesOptions = {}): Promise<void> {
    this.#memory ??= new ReadMemory();
    await visitEach(ds, (d) => this.read(d, options.maxBytes, this.#memory), visit, options.signal);
  }

  list(options: { readonly skip?: Pick<ReadonlySet<string>, "has"> } = {}): AsyncIterable<BlobListing> {
    return this.#files.list(options.skip);
  }

  async fileIdentity(digest: Digest): Promise<string | undefined> {
    try {
      return this.#files.identify(this.path(digest))?.identity;
    } catch (error) {
      if (ABSENT.has(errnoOf(error) ?? "")) return undefined;
      throw ioError(error, blobPath(digest));
    }
  }

  async file(d: Descriptor): Promise<string | undefined> {
    if (this.#plainSize(d.digest) === d.size) return this.path(d.digest);
    const found = this.#openOrEmbedded(d);
    if (found instanceof Uint8Array) return undefined;
    closeSync(found.fd);
    return found.size === d.size ? linkTarget(this.rule, this.path(d.digest)) : undefined;
  }

  async extent(d: Descriptor): Promise<BlobExtent | undefined> {
    const found = this.#openOrEmbedded(d);
    if (found instanceof Uint8Array) return undefined;
    const { fd, size } = found;
    let isOpen = true;
    const close = (): void => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    };
    if (size === d.size) return { fd, offset: 0, size, isWholeFile: true, close };
    close();
    throw sizeMismatch(d, size);
  }

  /** @param memory for the bytes, which are then valid until it is used again */
  protected read(d: Descriptor, maxBytes: number = MAX_BYTES, memory?: ReadMemory): Uint8Array {
    const limit = Math.min(maxBytes, MAX_BYTES);
    if (d.size > limit) throw tooLarge(d, limit);
    const quick = this.#readExactly(d, memory);
    if (quick !== undefined) return quick;
    const found = this.#openOrEmbedded(d);
    if (found instanceof Uint8Array) return found;
    const { fd, size } = found;
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

  protected path(digest: Digest): string {
    return join(this.rule.root, blobPath(digest));
  }

  /**
   * The size of a regular file, without opening it: a file that this user cannot read is present all the same. Undefined for anything else
   * that has the name.
   */
  #plainSize(digest: Digest): number | "absent" | undefined {
    const path = this.path(digest);
    try {
      this.directories.check(dirname(path));
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return "absent";
      return stats.isFile() ? stats.size : undefined;
    } catch {
      // Opening it reports what is wrong.
      return undefined;
    }
  }

  /** Undefined where the directory of an algorithm cannot be listed. */
  #namesOf(algorithm: string): ListedNames | undefined {
    const directory = join(this.rule.root, "blobs", algorithm);
    try {
      this.directories.check(directory);
      return new ListedNames(directory);
    } catch {
      return undefined;
    }
  }

  /** Undefined where anything is unusual: the slower way finds out what. */
  #readExactly(d: Descriptor, memory: ReadMemory | undefined): Uint8Array | undefined {
    const colon = d.digest.indexOf(":");
    const algorithm = d.digest.slice(0, colon);
    const directory = this.#checked.get(algorithm) ?? this.#checkedDirectory(algorithm);
    if (directory === undefined) return undefined;
    const encoded = d.digest.slice(colon + 1);
    const bytes = readExactly(directory.path + encoded, d.size, memory);
    return bytes !== undefined && hasDigest(bytes, directory.algorithm, encoded) ? bytes : undefined;
  }

  /** Once something was read from the directory of an algorithm. */
  #checkedDirectory(algorithm: string): CheckedDirectory | undefined {
    const path = `${this.rule.root}${sep}blobs${sep}${algorithm}`;
    if (!isAlgorithm(algorithm) || !this.directories.isChecked(path)) return undefined;
    const directory = { path: path + sep, algorithm };
    this.#checked.set(algorithm, directory);
    return directory;
  }

  #openOrEmbedded(d: Descriptor): OpenFile | Uint8Array {
    try {
      return this.#open(d.digest);
    } catch (error) {
      const embedded = isOcilotError(error, "BLOB_NOT_FOUND") ? embeddedData(d) : undefined;
      if (embedded === undefined) throw error;
      return embedded;
    }
  }

  #open(digest: Digest): OpenFile {
    const path = this.path(digest);
    try {
      this.directories.check(dirname(path));
      return openInside(this.rule, path);
    } catch (error) {
      if (ABSENT.has(errnoOf(error) ?? "")) throw blobNotFound({ digest });
      throw nameDigest(ioError(error, blobPath(digest)), digest);
    }
  }
}

/** A message about a link names the digest, which is what a user sees elsewhere. */
function nameDigest(error: Error, digest: Digest): Error {
  if (!isOcilotError(error, "LINK_OUTSIDE")) return error;
  return new OcilotError("LINK_OUTSIDE", `${digest}: ${error.message}`, error.details, {
    cause: error,
    ...(error.hint !== undefined && { hint: error.hint }),
  });
}
