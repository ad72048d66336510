import { randomBytes } from "node:crypto";
import { lstat, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileSystemClock } from "../filesystem/clock.js";
import { TEMP_PREFIX, hostTag, isAlive } from "../filesystem/temp-file.js";
import { renew } from "./lock-owner.js";

/** A process that has not renewed its ticket for this long is suspended, and nobody waits for it, in milliseconds. */
const FRESH_MS = 2000;
const TOUCH_MS = 500;

/**
 * The processes that wait for the lock of a layout, in the order of arrival, so that a process that writes again and again does not keep
 * the others out until their time is up. It is a courtesy among the processes of one host: only the lock decides who may write, and where
 * tickets cannot be written, every process tries at any time.
 */
export class LockQueue {
  readonly #root: string;
  readonly #prefix = `${TEMP_PREFIX}wait-${hostTag()}-`;
  readonly #clock: FileSystemClock;
  #ticket: string | undefined;
  #touched = 0;
  #isRefused = false;

  constructor(root: string, clock: FileSystemClock = new FileSystemClock(root)) {
    this.#root = root;
    this.#clock = clock;
  }

  /** Returns about how many waiting processes came before this one; all of them if this one has no ticket. */
  async ahead(): Promise<number> {
    if (this.#isRefused) return 0;
    const names = (await readdir(this.#root)).filter((n) => n.startsWith(this.#prefix)).toSorted(byTime);
    const ahead = this.#ticket === undefined ? names : names.filter((n) => byTime(n, this.#ticket!) < 0);
    let gone = 0;
    while (gone < ahead.length && !(await this.#waits(ahead[gone]!))) gone++;
    return ahead.length - gone;
  }

  /** Takes a ticket, or renews the one that this process has. */
  async lineUp(): Promise<void> {
    const now = Date.now();
    if (now - this.#touched < TOUCH_MS) return;
    this.#touched = now;
    if (this.#ticket === undefined) {
      const micros = Math.floor((performance.timeOrigin + performance.now()) * 1000);
      const ticket = `${this.#prefix}${process.pid}-${micros.toString(16).padStart(14, "0")}${randomBytes(2).toString("hex")}`;
      await writeFile(join(this.#root, ticket), "", { flag: "wx" }).then(
        () => (this.#ticket = ticket),
        () => (this.#isRefused = true),
      );
    } else await renew(join(this.#root, this.#ticket), this.#clock);
  }

  async leave(): Promise<void> {
    if (this.#ticket !== undefined) await rm(join(this.#root, this.#ticket), { force: true }).catch(() => undefined);
  }

  async #waits(name: string): Promise<boolean> {
    if (!isAlive(Number(name.slice(this.#prefix.length).split("-")[0]))) return false;
    const there = await lstat(join(this.#root, name)).catch(() => undefined);
    return there !== undefined && Math.abs(this.#clock.now() - there.mtimeMs) < FRESH_MS;
  }
}

function byTime(a: string, b: string): number {
  const [timeA, timeB] = [a.slice(a.lastIndexOf("-")), b.slice(b.lastIndexOf("-"))];
  return timeA < timeB ? -1 : timeA > timeB ? 1 : 0;
}
