import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Durability, replaceFile } from "./atomic-write.js";
import { OcilotError, isOcilotError } from "./errors.js";
import { digestOf } from "./hash.js";
import { type IndexEdit, editIndex } from "./index-edit.js";
import { INDEX_FILE, type IndexSnapshot, parseIndex } from "./index-snapshot.js";
import { errnoOf, ioError, throwIfAborted } from "./io-error.js";
import { acquireLock } from "./lock.js";
import { readInside } from "./safe-open.js";
import type { IndexFile, WriteOptions } from "./storage.js";
import { sweepTemps } from "./temp-file.js";

/** A tool that truncates and then writes leaves a torn file for a moment; one younger than this is read again. */
const TORN_MS = 2000;
/** How often an edit is planned anew because a writer without a lock was faster. */
const MAX_CONFLICTS = 20;
/** Ten times the largest index that was ever met; a document beyond it would not fit into one string anyway. */
export const MAX_INDEX_BYTES: number = 256 * 1024 * 1024;
const DEFAULT_WAIT_MS = 30_000;

/** `index.json` of a layout directory. `root` is a real path. */
export class DirectoryIndex implements IndexFile {
  readonly #root: string;
  readonly #path: string;
  readonly #durability: Durability;
  readonly #checkWritable: () => void;
  readonly #beforeReplace: () => Promise<void>;
  #last: IndexSnapshot | undefined;

  constructor(root: string, durability: Durability, checkWritable: () => void, beforeReplace: () => Promise<void>) {
    this.#root = root;
    this.#path = join(root, INDEX_FILE);
    this.#durability = durability;
    this.#checkWritable = checkWritable;
    this.#beforeReplace = beforeReplace;
  }

  /** Every read takes the bytes from the disk; the same bytes are not parsed twice. */
  #parsed(bytes: Uint8Array): IndexSnapshot {
    const digest = digestOf(bytes);
    if (this.#last?.digest !== digest) this.#last = parseIndex(bytes, digest);
    return this.#last;
  }

  async read(): Promise<IndexSnapshot> {
    for (;;) {
      const { bytes, mtimeMs } = this.#bytes();
      try {
        return this.#parsed(bytes);
      } catch (error) {
        // The file's time may be ahead of ours by a fraction of a millisecond, or by a file server's clock.
        if (!isTorn(error) || Math.abs(Date.now() - mtimeMs) > TORN_MS) throw error;
        await sleep(20);
      }
    }
  }

  async update(
    edit: (base: IndexSnapshot) => readonly IndexEdit[] | Promise<readonly IndexEdit[]>,
    options: WriteOptions = {},
  ): Promise<IndexSnapshot> {
    this.#checkWritable();
    const lock = await acquireLock(this.#root, { wait: options.wait ?? DEFAULT_WAIT_MS, signal: options.signal });
    try {
      await sweepTemps(this.#root);
      for (let attempt = 1; ; attempt++) {
        const base = await this.read();
        const text = editIndex(base, await edit(base));
        if (text === base.text) return base;
        await this.#refuseLink();
        throwIfAborted(options.signal);
        try {
          return await this.#replace(base, text, lock.assertHeld);
        } catch (error) {
          if (!isOcilotError(error, "INDEX_CONFLICT") || attempt === MAX_CONFLICTS) throw error;
        }
      }
    } catch (error) {
      throw ioError(error, INDEX_FILE);
    } finally {
      await lock.release();
    }
  }

  async #replace(base: IndexSnapshot, text: string, assertHeld: () => Promise<void>): Promise<IndexSnapshot> {
    const bytes = Buffer.from(text, "utf8");
    const next = this.#parsed(bytes);
    await this.#beforeReplace();
    await replaceFile(this.#root, this.#path, bytes, this.#durability, async () => {
      await assertHeld();
      const found = digestOf(this.#bytes().bytes);
      if (found !== base.digest) throw conflict(base, found);
    });
    return next;
  }

  async #refuseLink(): Promise<void> {
    if (!(await lstat(this.#path)).isSymbolicLink()) return;
    throw new OcilotError(
      "WRITE_REFUSED",
      `${INDEX_FILE} is a symbolic link; replacing it would break the link`,
      { reason: "link", file: INDEX_FILE },
      {
        hint: "Run the command on the layout that it links to, or write to a copy with --output.",
      },
    );
  }

  #bytes(): { bytes: Uint8Array; mtimeMs: number } {
    try {
      return readInside(this.#root, this.#path, MAX_INDEX_BYTES);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") {
        throw new OcilotError(
          "NOT_A_LAYOUT",
          `${this.#root} has no ${INDEX_FILE}`,
          { path: this.#root },
          {
            hint: "Name the directory that holds oci-layout, index.json and blobs/.",
          },
        );
      }
      throw ioError(error, INDEX_FILE);
    }
  }
}

/** Only broken syntax can be half of a good file; a bad digest will not get better by waiting. */
function isTorn(error: unknown): boolean {
  if (!isOcilotError(error, "LAYOUT_INVALID")) return false;
  return isOcilotError(error.cause, "DOCUMENT_INVALID") && error.cause.cause instanceof SyntaxError;
}

function conflict(base: IndexSnapshot, found: IndexSnapshot["digest"]): OcilotError<"INDEX_CONFLICT"> {
  return new OcilotError(
    "INDEX_CONFLICT",
    `${INDEX_FILE} was changed by another program while this one worked`,
    { expected: base.digest, found },
    {
      hint: "Run the command again once the other program is done.",
    },
  );
}
