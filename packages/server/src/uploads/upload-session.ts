import { type Algorithm, type Digest, type Hasher, OCTET_STREAM, createHasher, isAlgorithm, splitDigest } from "@ocilot/layout";
import { RegistryError } from "../protocol/registry-error.js";
import type { Repository } from "../repositories/repository.js";
import type { UploadStorage } from "./upload-storage.js";

/** Pieces are written together once there is so much. */
const WRITE_BYTES = 512 << 10;

/** What bounds an upload. */
export interface UploadLimits {
  /** Bytes that one blob may have. */
  readonly maxBytes: number;
  /** Called before more is written, with the number of bytes; it throws where there is no room. */
  checkRoom(bytes: number): Promise<void>;
}

/** Who writes to the session now. */
interface Writer {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * One upload. What has arrived stays, to the byte, whatever becomes of the connection; the digest is computed as it comes in,
 * and again from the file where an earlier process received a part of it.
 */
export class UploadSession {
  readonly id: string;
  readonly repository: Repository;
  readonly #storage: UploadStorage;
  readonly #limits: UploadLimits;
  readonly #algorithm: Algorithm;
  /** Undefined where what is there was not hashed by this object. */
  #hasher: Hasher | undefined;
  #writer: Writer | undefined;
  #isOver = false;
  #touched: number = Date.now();

  constructor(
    id: string,
    repository: Repository,
    options: { readonly storage: UploadStorage; readonly limits: UploadLimits; readonly algorithm?: Algorithm | undefined },
  ) {
    this.id = id;
    this.repository = repository;
    this.#storage = options.storage;
    this.#limits = options.limits;
    this.#algorithm = options.algorithm ?? "sha256";
    this.#hasher = options.storage.size === 0 ? createHasher(this.#algorithm) : undefined;
  }

  /** Bytes that have arrived. */
  get received(): number {
    return this.#storage.size;
  }

  /** When it was begun and when it was written to last, in milliseconds since 1970. */
  get times(): { readonly started: number; readonly touched: number } {
    return { started: this.#storage.started, touched: this.#writer === undefined ? this.#touched : Date.now() };
  }

  /**
   * Runs `work` while no other request writes. A running one is interrupted: a client that comes back after a cut must not wait until the
   * old connection is found dead.
   */
  async exclusively<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    while (this.#writer !== undefined) {
      this.#writer.abort.abort();
      await this.#writer.done;
    }
    if (this.#isOver) throw new RegistryError("BLOB_UPLOAD_UNKNOWN", "the upload has ended");
    const abort = new AbortController();
    const running = work(abort.signal);
    const writer: Writer = { abort, done: running.then(nothing, nothing) };
    this.#writer = writer;
    try {
      return await running;
    } finally {
      if (this.#writer === writer) this.#writer = undefined;
      this.#touched = Date.now();
    }
  }

  /**
   * Appends a body. Whatever ends it early, what has arrived is kept.
   * @param signal ends it, without an error of its own for what has arrived
   * @throws RegistryError `SIZE_INVALID` beyond the limit, `BLOB_UPLOAD_INVALID` when it is interrupted
   */
  async append(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    let pieces: Uint8Array[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      if (bytes === 0) return;
      const [batch, size] = [pieces, bytes];
      [pieces, bytes] = [[], 0];
      await this.#limits.checkRoom(size);
      for (const piece of batch) this.#hasher?.update(piece);
      await this.#storage.append(batch);
    };
    try {
      for await (const piece of untilAborted(body, signal)) {
        if (this.#storage.size + bytes + piece.length > this.#limits.maxBytes) throw tooLarge(this.#limits.maxBytes);
        pieces.push(piece);
        bytes += piece.length;
        this.#touched = Date.now();
        if (bytes >= WRITE_BYTES) await flush();
      }
    } finally {
      await flush();
    }
  }

  /**
   * Ends the upload: what has arrived becomes a blob.
   * @throws RegistryError `DIGEST_INVALID` if it is something else; the upload is gone then
   */
  async finish(expected: Digest): Promise<void> {
    this.#isOver = true;
    const { algorithm } = splitDigest(expected);
    const found = isAlgorithm(algorithm) ? await this.#digest(algorithm) : undefined;
    if (found !== expected) {
      await this.#storage.remove();
      throw new RegistryError(
        "DIGEST_INVALID",
        found === undefined ? `${algorithm} is not supported` : `what was sent has the digest ${found}`,
      );
    }
    const d = { mediaType: OCTET_STREAM, digest: expected, size: this.#storage.size };
    const { layout, verdicts } = this.repository;
    await this.#storage.store(layout, d);
    const extent = await layout.blobs.extent?.(d);
    if (extent === undefined) return;
    verdicts.trust(d, extent);
    extent.close();
  }

  async remove(): Promise<void> {
    this.#isOver = true;
    await this.#storage.remove();
  }

  /** Lets go of its file; a later process goes on with it. */
  async close(): Promise<void> {
    await this.exclusively(async () => {
      this.#isOver = true;
      await this.#storage.close();
    });
  }

  async #digest(algorithm: Algorithm): Promise<Digest> {
    const running = algorithm === this.#algorithm ? this.#hasher : undefined;
    if (running !== undefined) return running.digest();
    const hasher = createHasher(algorithm);
    if (this.#storage.size > 0) for await (const piece of this.#storage.read()) hasher.update(piece);
    return hasher.digest();
  }
}

/** A connection that is dead says nothing for a long time, so an abort must not wait for its next piece. */
async function* untilAborted(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(interrupted());
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  aborted.catch(nothing);
  for (;;) {
    const { value, done } = await Promise.race([iterator.next(), aborted]);
    if (done === true) return;
    yield value;
  }
}

function nothing(): void {}

function tooLarge(limit: number): RegistryError {
  return new RegistryError("SIZE_INVALID", `a blob may have ${limit} bytes here`);
}

function interrupted(): RegistryError {
  return new RegistryError("BLOB_UPLOAD_INVALID", "another request continues this upload", { status: 409 });
}
