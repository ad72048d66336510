import { type Hash, createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Writable } from "node:stream";
import { EarlySync, GrowingHash } from "@ocilot/layout";

/** How a {@link HashedFile} is written. */
export interface HashedFileOptions {
  /** About how many bytes it will have. */
  readonly size: number;
  /** Whether {@link HashedFile.finish} waits for the disk. */
  readonly sync: boolean;
}

/** A new file that is written from its beginning to its end and hashed on the way: a large one in another thread. */
export class HashedFile {
  /** Takes the content; it is not ended. */
  readonly sink: Writable;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #early: EarlySync | undefined;
  readonly #behind: GrowingHash | undefined;
  readonly #hash: Hash = createHash("sha256");
  #size = 0;

  private constructor(file: FileHandle, path: string, { size, sync }: HashedFileOptions) {
    this.#file = file;
    this.#path = path;
    this.#early = sync ? new EarlySync(file.fd) : undefined;
    this.#behind = GrowingHash.start(file.fd, "sha256", size);
    this.sink = new Writable({
      highWaterMark: 4 << 20,
      write: (chunk: Buffer, _encoding, done): void => void this.#write([chunk]).then(() => done(), done),
      writev: (writes, done): void => void this.#write(writes.map(({ chunk }) => chunk as Buffer)).then(() => done(), done),
    });
  }

  /** @throws file-system errors as they come, `EEXIST` among them */
  static async create(path: string, options: HashedFileOptions): Promise<HashedFile> {
    return new HashedFile(await open(path, "wx+", 0o666), path, options);
  }

  async #write(chunks: readonly Buffer[]): Promise<void> {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) at += (await this.#file.write(chunk, at)).bytesWritten;
      this.#size += chunk.length;
      if (this.#behind === undefined) this.#hash.update(chunk);
      else this.#behind.grew(this.#size);
      this.#early?.note(chunk.length);
    }
  }

  /**
   * Returns the sha256 of the file in hexadecimal, and has it on the disk if `sync` was set.
   * @throws file-system errors as they come
   */
  async finish(): Promise<string> {
    const found = await this.#behind?.digest();
    if (found === undefined && this.#behind !== undefined)
      for await (const chunk of createReadStream(this.#path)) this.#hash.update(chunk as Buffer);
    if (this.#early !== undefined) {
      await this.#early.settle();
      await this.#file.sync();
    }
    return found?.slice("sha256:".length) ?? this.#hash.digest("hex");
  }

  /** Call it in any case, last. */
  async close(): Promise<void> {
    await this.#behind?.drop();
    await this.#early?.end();
    await this.#file.close();
  }
}
