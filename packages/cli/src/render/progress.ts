import type { CopyProgress } from "@ocilot/referrers";
import type { Digest } from "@ocilot/layout/spec";
import type { Io } from "../io.js";
import { renderJson } from "./json.js";
import { formatSize } from "./text.js";

/** How progress is reported: lines on a terminal that change, lines of JSON, or not at all. */
export type ProgressForm = "terminal" | "json" | "none";

/** Work shorter than this shows nothing. */
const QUIET_MS = 500;
const INTERVAL_MS = 100;
const JSON_INTERVAL_MS = 1000;
/** Blobs under way that are shown below the total. */
const MAX_BLOBS = 4;
/** Smaller blobs come and go too fast to be read. */
const SHOWN_BYTES = 1_000_000;

/** Tells on standard error how far long work is. */
export class Progress {
  readonly #io: Io;
  readonly #form: ProgressForm;
  readonly #verb: string;
  readonly #start: number = Date.now();
  readonly #underWay: Map<Digest, string> = new Map();
  #last = 0;
  #lines = 0;
  #latest: CopyProgress | undefined;

  constructor(io: Io, form: ProgressForm, verb: string) {
    this.#io = io;
    this.#form = form;
    this.#verb = verb;
  }

  /** Things done, of how many. */
  update(done: number, total: number): void {
    if (this.#isDue()) this.#show({ verb: this.#verb, done, total }, [`${this.#verb} ${done} of ${total}`]);
  }

  /** Bytes done, of how many, with the rate and the time that is left. What is beyond the total, as of content that is read twice, is left out. */
  updateBytes(bytes: number, totalBytes: number): void {
    if (!this.#isDue()) return;
    const done = Math.min(bytes, totalBytes);
    this.#show({ verb: this.#verb, ...this.#figures(done, totalBytes) }, [this.#total("", done, totalBytes)]);
  }

  /** Bytes done so far and the rate, where nobody knows how many there will be. */
  updateBytesSoFar(bytes: number): void {
    if (!this.#isDue()) return;
    const { bytesPerSecond } = this.#figures(bytes, bytes);
    const text = `${this.#verb} ${formatSize(bytes)}, ${formatSize(bytesPerSecond)}/s`;
    this.#show({ verb: this.#verb, bytes, bytesPerSecond }, [text]);
  }

  /** Seconds that it has taken, where nothing counts what is left. */
  updateTime(): void {
    const seconds = Math.floor((Date.now() - this.#start) / 1000);
    if (this.#isDue()) this.#show({ verb: this.#verb, seconds }, [`${this.#verb}, ${seconds} s`]);
  }

  /** Blobs and bytes of a copy: a line for all of it, and one for each large blob under way. */
  updateBlobs(event: CopyProgress): void {
    if (this.#form === "none") return;
    this.#note(event);
    this.#latest = event;
    if (!this.#isDue()) return;
    const { blobs, totalBlobs, bytes, totalBytes } = event;
    const total = this.#total(`${blobs} of ${totalBlobs} blobs, `, bytes, totalBytes);
    this.#show(this.#document(event), [total, ...[...this.#underWay.values()].slice(0, MAX_BLOBS)]);
  }

  /** Clears the lines on a terminal; as JSON, tells the last state. */
  end(): void {
    if (this.#form === "json" && this.#latest !== undefined) this.#writeJson({ ...this.#document(this.#latest), isLast: true });
    if (this.#lines > 0) this.#io.stderr.write(`${this.#toStart()}\x1b[J`);
    this.#lines = 0;
    this.#latest = undefined;
  }

  #note({ current }: CopyProgress): void {
    if (current === undefined) return;
    const { descriptor, bytes, isDone } = current;
    if (isDone || descriptor.size < SHOWN_BYTES) this.#underWay.delete(descriptor.digest);
    else
      this.#underWay.set(descriptor.digest, `  ${descriptor.digest.slice(0, 19)} ${formatSize(bytes)} of ${formatSize(descriptor.size)}`);
  }

  #document({ blobs, totalBlobs, bytes, totalBytes }: CopyProgress): object {
    return { verb: this.#verb, blobs, totalBlobs, ...this.#figures(bytes, totalBytes) };
  }

  /** `bytesPerSecond` is the mean so far; `secondsLeft` is absent while it cannot be told. */
  #figures(bytes: number, totalBytes: number): { bytes: number; totalBytes: number; bytesPerSecond: number; secondsLeft?: number } {
    const rate = bytes / Math.max((Date.now() - this.#start) / 1000, 0.001);
    const left = rate > 0 ? { secondsLeft: Math.ceil((totalBytes - bytes) / rate) } : {};
    return { bytes, totalBytes, bytesPerSecond: Math.round(rate), ...left };
  }

  #total(before: string, bytes: number, totalBytes: number): string {
    const { bytesPerSecond, secondsLeft } = this.#figures(bytes, totalBytes);
    const left = secondsLeft === undefined ? "" : `, ${timeText(secondsLeft)} left`;
    return `${this.#verb} ${before}${formatSize(bytes)} of ${formatSize(totalBytes)}, ${formatSize(bytesPerSecond)}/s${left}`;
  }

  #isDue(): boolean {
    if (this.#form === "none") return false;
    const now = Date.now();
    const [quiet, interval] = this.#form === "json" ? [0, JSON_INTERVAL_MS] : [QUIET_MS, INTERVAL_MS];
    if (now - this.#start < quiet || now - this.#last < interval) return false;
    this.#last = now;
    return true;
  }

  #show(document: object, lines: readonly string[]): void {
    if (this.#form === "json") return this.#writeJson(document);
    const { columns } = this.#io.stderr as { columns?: number };
    // A line that wraps could not be gone back to.
    const shown = lines.map((line) => line.slice(0, (columns || 80) - 1));
    this.#io.stderr.write(`${this.#toStart()}${shown.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
    this.#lines = shown.length;
  }

  #writeJson(progress: object): void {
    this.#io.stderr.write(`${renderJson({ progress }, 0)}\n`);
  }

  #toStart(): string {
    return this.#lines > 1 ? `\r\x1b[${this.#lines - 1}A` : "\r";
  }
}

/** `42 s`, `3 min 5 s`, `2 h 3 min`. */
function timeText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
