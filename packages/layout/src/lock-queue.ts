import { randomBytes } from "node:crypto";
import { lstat, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HOST_TAG, TEMP_PREFIX, isAlive } from "./temp-file.js";

const PREFIX = `${TEMP_PREFIX}wait-${HOST_TAG}-`;
/** A process that has not touched its ticket for so long is suspended, and nobody waits for it. */
const FRESH_MS = 2000;
const TOUCH_MS = 500;

/**
 * Who waits for the lock of a layout, in the order of coming, so that a process that writes again and again does not
 * keep the others out until their patience ends. It is a courtesy among the processes of one host: the lock alone says
 * who may write, and where tickets cannot be written everybody tries as they like.
 */
export class LockQueue {
  readonly #root: string;
  #ticket: string | undefined;
  #touched = 0;
  #isRefused = false;

  constructor(root: string) {
    this.#root = root;
  }

  /** 0 if nobody who waits came before, else about how many did; all who wait if this process has not lined up. */
  async ahead(): Promise<number> {
    if (this.#isRefused) return 0;
    const names = (await readdir(this.#root)).filter((n) => n.startsWith(PREFIX)).toSorted(byTime);
    const ahead = this.#ticket === undefined ? names : names.filter((n) => byTime(n, this.#ticket!) < 0);
    let gone = 0;
    while (gone < ahead.length && !(await this.#waits(ahead[gone]!))) gone++;
    return ahead.length - gone;
  }

  /** Takes a place at the end, or shows that this process still wants its own. */
  async lineUp(): Promise<void> {
    const now = Date.now();
    if (now - this.#touched < TOUCH_MS) return;
    this.#touched = now;
    if (this.#ticket === undefined) {
      const micros = Math.floor((performance.timeOrigin + performance.now()) * 1000);
      const ticket = `${PREFIX}${process.pid}-${micros.toString(16).padStart(14, "0")}${randomBytes(2).toString("hex")}`;
      await writeFile(join(this.#root, ticket), "", { flag: "wx" }).then(
        () => (this.#ticket = ticket),
        () => (this.#isRefused = true),
      );
    } else await utimes(join(this.#root, this.#ticket), now / 1000, now / 1000).catch(() => undefined);
  }

  async leave(): Promise<void> {
    if (this.#ticket !== undefined) await rm(join(this.#root, this.#ticket), { force: true }).catch(() => undefined);
  }

  async #waits(name: string): Promise<boolean> {
    if (!isAlive(Number(name.slice(PREFIX.length).split("-")[0]))) return false;
    const there = await lstat(join(this.#root, name)).catch(() => undefined);
    return there !== undefined && Math.abs(Date.now() - there.mtimeMs) < FRESH_MS;
  }
}

function byTime(a: string, b: string): number {
  const [timeA, timeB] = [a.slice(a.lastIndexOf("-")), b.slice(b.lastIndexOf("-"))];
  return timeA < timeB ? -1 : timeA > timeB ? 1 : 0;
}
