import { createReadStream } from "node:fs";
import { type FileHandle, chmod, lstat, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { BlobMover, type Descriptor, type Layout } from "@ocilot/layout";
import type { UploadArea, UploadStorage } from "./upload-storage.js";

/** The name of an upload's file in the layout: every program of ocilot takes it for what it is, and no other for a part of the layout. */
const PREFIX = ".ocilot-upload-";
/** After so much the disk is told to write, so that the end of a large upload has little to wait for. */
const FLUSH_BYTES = 32 << 20;

/** Keeps uploads as files in the directory of a layout, where they become blobs without being copied. */
export class FileUploadArea implements UploadArea {
  readonly #directory: string;
  readonly #sync: boolean;

  constructor(directory: string, { sync }: { readonly sync: boolean }) {
    this.#directory = directory;
    this.#sync = sync;
  }

  async create(id: string): Promise<UploadStorage> {
    const path = this.#path(id);
    const file = await open(path, "wx", 0o600);
    return new FileUpload(path, file, { size: 0, started: Date.now(), sync: this.#sync });
  }

  async reopen(id: string): Promise<UploadStorage | undefined> {
    const path = this.#path(id);
    const there = await lstat(path).catch(() => undefined);
    if (there?.isFile() !== true) return undefined;
    const file = await open(path, "r+");
    // Where the file system knows no time of birth it says zero.
    return new FileUpload(path, file, { size: there.size, started: there.birthtimeMs || there.mtimeMs, sync: this.#sync });
  }

  async sweep(before: number, inUse: ReadonlySet<string>): Promise<number> {
    let swept = 0;
    for (const name of await readdir(this.#directory).catch(() => [])) {
      if (!name.startsWith(PREFIX) || inUse.has(name.slice(PREFIX.length))) continue;
      const path = join(this.#directory, name);
      const there = await lstat(path).catch(() => undefined);
      if (there?.isFile() !== true || there.mtimeMs >= before) continue;
      await rm(path, { force: true });
      swept++;
    }
    return swept;
  }

  #path(id: string): string {
    return join(this.#directory, PREFIX + id);
  }
}

class FileUpload implements UploadStorage {
  size: number;
  readonly started: number;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #sync: boolean;
  #flushed: number;
  #flushing: Promise<void> | undefined;

  constructor(path: string, file: FileHandle, state: { size: number; started: number; sync: boolean }) {
    this.#path = path;
    this.#file = file;
    this.size = state.size;
    this.started = state.started;
    this.#sync = state.sync;
    this.#flushed = state.size;
  }

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    let rest = pieces;
    while (rest.length > 0) {
      const { bytesWritten } = await this.#file.writev(rest as Uint8Array[], this.size);
      this.size += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
    if (!this.#sync || this.#flushing !== undefined || this.size - this.#flushed < FLUSH_BYTES) return;
    this.#flushed = this.size;
    this.#flushing = this.#file.datasync().then(
      () => (this.#flushing = undefined),
      () => (this.#flushing = undefined),
    );
  }

  read(): AsyncIterable<Uint8Array> {
    return createReadStream(this.#path, { end: this.size - 1, highWaterMark: 1 << 20 });
  }

  /** The file itself becomes the blob. Where it cannot get a second name (FAT, some network volumes) it is copied. */
  async store(layout: Layout, d: Descriptor): Promise<void> {
    await this.#flushing;
    if (this.#sync) await this.#file.sync();
    await this.#file.close();
    await chmod(this.#path, 0o644).catch(() => undefined);
    const mover = new BlobMover([d.size], { threads: 0 });
    try {
      const isLinked = (await layout.blobs.putFile?.(this.#path, d, { link: true, mover })) ?? false;
      if (!isLinked) await layout.blobs.put(this.size === 0 ? new Uint8Array() : this.read(), { expect: d });
    } finally {
      mover.close();
      await rm(this.#path, { force: true });
    }
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
  }

  async close(): Promise<void> {
    await this.#flushing;
    await this.#file.close().catch(() => undefined);
  }
}

function behind(pieces: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  for (const [i, piece] of pieces.entries()) {
    if (left < piece.length) return left === 0 ? pieces.slice(i) : [piece.subarray(left), ...pieces.slice(i + 1)];
    left -= piece.length;
  }
  return [];
}
