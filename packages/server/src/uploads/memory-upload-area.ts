import type { Descriptor, Layout } from "@ocilot/layout";
import type { UploadArea, UploadStorage } from "./upload-storage.js";

/** Keeps uploads in memory, for layouts that are there too. */
export class MemoryUploadArea implements UploadArea {
  async create(): Promise<UploadStorage> {
    return new MemoryUpload();
  }

  async reopen(): Promise<undefined> {
    return undefined;
  }

  async sweep(): Promise<number> {
    return 0;
  }
}

class MemoryUpload implements UploadStorage {
  size = 0;
  readonly started: number = Date.now();
  #pieces: Uint8Array[] = [];

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      this.#pieces.push(Uint8Array.from(piece));
      this.size += piece.length;
    }
  }

  async *read(): AsyncIterable<Uint8Array> {
    yield* this.#pieces;
  }

  async store(layout: Layout, d: Descriptor): Promise<void> {
    await layout.blobs.put(this.read(), { expect: d });
    this.#pieces = [];
  }

  async remove(): Promise<void> {
    this.#pieces = [];
  }

  async close(): Promise<void> {}
}
