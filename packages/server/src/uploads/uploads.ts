import { randomUUID } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { Algorithm } from "@ocilot/layout";
import { RegistryError, diskFull } from "../protocol/registry-error.js";
import type { Repository } from "../repositories/repository.js";
import { FileUploadArea } from "./file-upload-area.js";
import { MemoryUploadArea } from "./memory-upload-area.js";
import { UploadSession } from "./upload-session.js";
import type { UploadArea } from "./upload-storage.js";

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Bytes written between two checks of the free space. */
const ROOM_STEP = 64 << 20;

/** What bounds all uploads together. */
export interface UploadsOptions {
  /** Bytes of one blob. */
  readonly maxBlobBytes: number;
  /** Sessions that may be open at once. */
  readonly maxOpen: number;
  /** Milliseconds after which a session that nobody writes to is removed. */
  readonly idleMs: number;
  /** Milliseconds after which a session is removed whatever happens in it. */
  readonly ageMs: number;
  /** Bytes that stay free on the disk. */
  readonly minDiskFree: number;
  readonly sync: boolean;
}

/** The uploads under way. A session is a file, so one that an earlier process began is found again by its id. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #sessions: Map<string, UploadSession> = new Map();
  readonly #areas: WeakMap<Repository, UploadArea> = new WeakMap();
  readonly #reopening: Map<string, Promise<UploadSession>> = new Map();
  #beginning = 0;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** How many are open. */
  get open(): number {
    return this.#sessions.size + this.#beginning;
  }

  /**
   * Begins an upload.
   * @param options `length`: bytes that will come, where the client says so
   * @throws RegistryError `TOOMANYREQUESTS`, `SIZE_INVALID`, and `DENIED` with status 507 if the disk is full
   */
  async begin(
    repository: Repository,
    options: { readonly algorithm?: Algorithm | undefined; readonly length?: number | undefined } = {},
  ): Promise<UploadSession> {
    const { algorithm, length = 0 } = options;
    if (this.open >= this.#options.maxOpen) {
      throw new RegistryError("TOOMANYREQUESTS", `${this.open} uploads are open`, { headers: { "retry-after": "10" } });
    }
    if (length > this.#options.maxBlobBytes)
      throw new RegistryError("SIZE_INVALID", `a blob may have ${this.#options.maxBlobBytes} bytes here`);
    this.#beginning++;
    try {
      await this.#checkRoom(repository, length);
      const id = randomUUID();
      const storage = await this.#areaOf(repository).create(id);
      const session = new UploadSession(id, repository, { storage, limits: this.#limitsOf(repository), algorithm });
      this.#sessions.set(id, session);
      return session;
    } finally {
      this.#beginning--;
    }
  }

  /**
   * Returns the session of that id.
   * @throws RegistryError `BLOB_UPLOAD_UNKNOWN`
   */
  async get(repository: Repository, id: string): Promise<UploadSession> {
    const known = this.#sessions.get(id);
    if (known !== undefined) {
      if (known.repository === repository) return known;
      throw unknown(id);
    }
    // The id becomes a part of a file's name.
    if (!ID.test(id)) throw unknown(id);
    // Two requests that come at once must get one session.
    const key = `${repository.name} ${id}`;
    const reopening = this.#reopening.get(key) ?? this.#reopen(repository, id).finally(() => this.#reopening.delete(key));
    this.#reopening.set(key, reopening);
    return await reopening;
  }

  /** Forgets a session that has ended. */
  forget(session: UploadSession): void {
    this.#sessions.delete(session.id);
  }

  /** Removes a session and what has arrived. */
  async cancel(session: UploadSession): Promise<void> {
    this.forget(session);
    await session.exclusively(async () => await session.remove());
  }

  /** Removes sessions that are idle or too old, and files of such sessions that earlier processes left. Returns how many there were. */
  async sweep(repositories: Iterable<Repository>): Promise<number> {
    const now = Date.now();
    let swept = 0;
    for (const session of this.#sessions.values()) {
      const { started, touched } = session.times;
      if (now - touched < this.#options.idleMs && now - started < this.#options.ageMs) continue;
      await this.cancel(session);
      swept++;
    }
    const inUse = new Set(this.#sessions.keys());
    for (const repository of repositories) {
      if (repository.isWritable) swept += await this.#areaOf(repository).sweep(now - this.#options.idleMs, inUse);
    }
    return swept;
  }

  /** Lets go of the files of all sessions, which stay to be resumed by a later process. */
  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.close().catch(() => undefined);
    this.#sessions.clear();
  }

  async #reopen(repository: Repository, id: string): Promise<UploadSession> {
    const storage = await this.#areaOf(repository).reopen(id);
    if (storage === undefined) throw unknown(id);
    const session = new UploadSession(id, repository, { storage, limits: this.#limitsOf(repository) });
    this.#sessions.set(id, session);
    return session;
  }

  #areaOf(repository: Repository): UploadArea {
    let area = this.#areas.get(repository);
    if (area === undefined) {
      const { directory } = repository;
      area = directory === undefined ? new MemoryUploadArea() : new FileUploadArea(directory, { sync: this.#options.sync });
      this.#areas.set(repository, area);
    }
    return area;
  }

  #limitsOf(repository: Repository): { maxBytes: number; checkRoom(bytes: number): Promise<void> } {
    let unchecked = 0;
    return {
      maxBytes: this.#options.maxBlobBytes,
      checkRoom: async (bytes) => {
        unchecked += bytes;
        if (unchecked < ROOM_STEP) return;
        unchecked = 0;
        await this.#checkRoom(repository, ROOM_STEP);
      },
    };
  }

  /** Where the system does not say how much is left, writing itself will. */
  async #checkRoom({ directory }: Repository, bytes: number): Promise<void> {
    if (directory === undefined) return;
    const stat = await statfs(directory).catch(() => undefined);
    if (stat !== undefined && stat.bavail * stat.bsize - bytes < this.#options.minDiskFree) throw diskFull();
  }
}

function unknown(id: string): RegistryError {
  return new RegistryError("BLOB_UPLOAD_UNKNOWN", `no upload ${id.slice(0, 40)} here`);
}
