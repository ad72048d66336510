import type { Io } from "./io.js";
import { formatSize } from "./render/text.js";

/** Work shorter than this shows nothing. */
const QUIET_MS = 500;
const INTERVAL_MS = 100;

/** A line on the terminal that tells how far long work is; silent in pipes and beside `--json`. */
export class Progress {
  readonly #io: Io;
  readonly #isShown: boolean;
  readonly #verb: string;
  readonly #start: number = Date.now();
  #last = 0;
  #width = 0;

  constructor(io: Io, json: boolean, verb: string) {
    this.#io = io;
    this.#isShown = !json && (io.stderr as { isTTY?: boolean }).isTTY === true;
    this.#verb = verb;
  }

  /** Things done, of how many. */
  update(done: number, total: number): void {
    this.#show(`${this.#verb} ${done} of ${total}`);
  }

  /** Bytes done, of how many, with the rate and the time that is left. */
  updateBytes(done: number, total: number): void {
    const seconds = (Date.now() - this.#start) / 1000;
    const rate = done / Math.max(seconds, 0.001);
    const left = rate > 0 ? Math.ceil((total - done) / rate) : 0;
    this.#show(`${this.#verb} ${formatSize(done)} of ${formatSize(total)}, ${formatSize(rate)}/s, ${left} s left`);
  }

  /** Clears the line. */
  end(): void {
    if (this.#width > 0) this.#io.stderr.write(`\r${" ".repeat(this.#width)}\r`);
    this.#width = 0;
  }

  #show(text: string): void {
    const now = Date.now();
    if (!this.#isShown || now - this.#start < QUIET_MS || now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    this.#io.stderr.write(`\r${text.padEnd(this.#width)}`);
    this.#width = Math.max(this.#width, text.length);
  }
}
