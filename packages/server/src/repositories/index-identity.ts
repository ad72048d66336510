import { statSync } from "node:fs";
import { join } from "node:path";

/** Two writes within one tick of a file system's clock leave the same time; what is younger than this is read again. */
const SETTLED_MS = 100;

/**
 * Tells whether a file may have changed since it was read: by device, inode, size and time, without opening it. A file that was
 * written a moment before it was read counts as changed until it is older.
 */
export class FileIdentity {
  readonly #path: string;
  #known: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The identity of `index.json` of the layout in a directory. */
  static ofIndex(directory: string): FileIdentity {
    return new FileIdentity(join(directory, "index.json"));
  }

  /** Looks at the file; true if it is what {@link keep} kept. */
  isSame(): boolean {
    return this.#known !== undefined && this.#look() === this.#known;
  }

  /** Keeps what the file is now; call it before the file is read, so that a change in between is seen. */
  keep(): void {
    this.#known = this.#look();
  }

  #look(): string | undefined {
    const stat = statSync(this.#path, { throwIfNoEntry: false, bigint: true });
    if (stat === undefined || Math.abs(Date.now() - Number(stat.mtimeMs)) < SETTLED_MS) return undefined;
    return `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs}`;
  }
}
