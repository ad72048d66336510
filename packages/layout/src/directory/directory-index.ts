import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Durability, replaceFile } from "../filesystem/atomic-write.js";
import { OcilotError, isOcilotError } from "../errors.js";
import { digestOf } from "../content/hash.js";
import { type EditedIndex, type IndexEdit, editedIndex } from "../spec/index-edit.js";
import { INDEX_FILE, type IndexSnapshot, MAX_INDEX_BYTES, parseIndex } from "../spec/index-snapshot.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { throwIfAborted } from "../abort.js";
import { acquireLock, clearDeadLock } from "./lock.js";
import { type LinkRule, holdsBytes, readInside } from "../filesystem/safe-open.js";
import type { IndexFile, WriteOptions } from "../storage.js";
import { sweepTemps } from "../filesystem/sweep-temps.js";

/** A tool that truncates a file and then writes it leaves a torn file for a moment. One younger than this is read again, in milliseconds. */
const TORN_MS = 2000;
/** How often an edit is planned again because a program without the lock changed the file. */
const MAX_CONFLICTS = 20;
const DEFAULT_WAIT_MS = 30_000;

/** `index.json` of a layout directory. */
export class DirectoryIndex implements IndexFile {
  readonly #rule: LinkRule;
  readonly #root: string;
  readonly #path: string;
  readonly #durability: Durability;
  readonly #checkWritable: () => void;
  readonly #beforeReplace: () => Promise<void>;
  #last: IndexSnapshot | undefined;

  /** @param checkWritable throws where the layout must not be written; `beforeReplace` makes durable what a new index may name */
  constructor(rule: LinkRule, durability: Durability, checkWritable: () => void, beforeReplace: () => Promise<void>) {
    this.#rule = rule;
    this.#root = rule.root;
    this.#path = join(rule.root, INDEX_FILE);
    this.#durability = durability;
    this.#checkWritable = checkWritable;
    this.#beforeReplace = beforeReplace;
  }

  /** Reads the file. Its age is taken by this machine's clock: that of the file system can only be read by making a file. */
  async read(): Promise<IndexSnapshot> {
    for (;;) {
      if (this.#last !== undefined && this.#isStill(this.#last)) return this.#last;
      const { bytes, mtimeMs } = this.#read();
      try {
        return (this.#last = parseIndex(bytes, digestOf(bytes)));
      } catch (error) {
        if (!isTorn(error) || Math.abs(Date.now() - mtimeMs) > TORN_MS) throw error;
        await sleep(20);
      }
    }
  }

  async clearDeadLock(): Promise<void> {
    await clearDeadLock(this.#root);
  }

  async update(
    edit: (base: IndexSnapshot) => readonly IndexEdit[] | Promise<readonly IndexEdit[]>,
    options: WriteOptions = {},
  ): Promise<IndexSnapshot> {
    this.#checkWritable();
    const lock = await acquireLock(this.#root, { wait: options.wait ?? DEFAULT_WAIT_MS, signal: options.signal });
    try {
      await sweepTemps(this.#root, { claims: true });
      for (let attempt = 1; ; attempt++) {
        const base = await this.read();
        const edits = await edit(base);
        const edited = editedIndex(base, edits);
        const bytes = edited.encode();
        if (edits.length === 0 || isSame(bytes, base.bytes)) return base;
        await this.#refuseLink();
        throwIfAborted(options.signal);
        try {
          return await this.#replace(base, edited, bytes, lock.assertHeld);
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

  async #replace(base: IndexSnapshot, edited: EditedIndex, bytes: Uint8Array, assertHeld: () => Promise<void>): Promise<IndexSnapshot> {
    const next = edited.snapshot(bytes, digestOf(bytes));
    await this.#beforeReplace();
    await replaceFile(this.#root, this.#path, bytes, this.#durability, async () => {
      await assertHeld();
      if (!this.#isStill(base)) throw conflict(base, digestOf(this.#read().bytes));
    });
    this.#last = next;
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

  #read(): { bytes: Uint8Array; mtimeMs: number } {
    return this.#opened(() => readInside(this.#rule, this.#path, MAX_INDEX_BYTES));
  }

  #isStill({ bytes }: IndexSnapshot): boolean {
    return this.#opened(() => holdsBytes(this.#rule, this.#path, bytes));
  }

  #opened<T>(open: () => T): T {
    try {
      return open();
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

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** True for broken syntax, which may be half of a good file. A bad digest does not get better by waiting. */
function isTorn(error: unknown): boolean {
  return error instanceof OcilotError && isOcilotError(error.cause, "DOCUMENT_INVALID") && error.cause.cause instanceof SyntaxError;
}

function conflict(base: IndexSnapshot, found: IndexSnapshot["digest"]): OcilotError<"INDEX_CONFLICT"> {
  return new OcilotError(
    "INDEX_CONFLICT",
    `${INDEX_FILE} was changed by another program during this command`,
    { expected: base.digest, found },
    {
      hint: "Run the command again when the other program has ended.",
    },
  );
}
