import type { Digest, IndexSnapshot, WriteOptions } from "@ocilot/layout";
import type { Tags } from "./tags.js";
import type { ManifestRecorder, NewManifest, Recorded } from "@ocilot/referrers";

/** One manifest on its way in. */
export interface ManifestWrite extends NewManifest {
  /**
   * Asked under the lock, with the tags as the writes before it will leave them; what it throws refuses this write alone.
   */
  check(current: (tag: string) => Digest | undefined, snapshot: IndexSnapshot): void;
}

interface Waiting {
  readonly write: ManifestWrite;
  resolve(): void;
  reject(error: unknown): void;
}

/** More than these in one write would make the first of them wait too long. */
const MAX_BATCH = 1000;
/** The longest wait for further writers, in milliseconds. */
const MAX_GATHER_MS = 50;

/**
 * Group commit: while `index.json` is being written, what comes in waits, and all that waits goes in as the next write. Clients that push
 * one manifest after the other answer a write with their next ones a moment later, so the queue waits for as many as were there before,
 * for at most half the time that the write took. A write is acknowledged when `index.json` that names it is on the disk.
 */
export class WriteQueue {
  readonly #recorder: ManifestRecorder;
  readonly #options: WriteOptions;
  readonly #onRecorded: (recorded: Recorded, writes: number) => void;
  readonly #tagsOf: (snapshot: IndexSnapshot) => Tags;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  /** Called when something has come in. */
  #onArrival: (() => void) | undefined;

  constructor(
    recorder: ManifestRecorder,
    options: WriteOptions & {
      readonly onRecorded: (recorded: Recorded, writes: number) => void;
      readonly tagsOf: (snapshot: IndexSnapshot) => Tags;
    },
  ) {
    const { onRecorded, tagsOf, ...rest } = options;
    this.#recorder = recorder;
    this.#options = rest;
    this.#onRecorded = onRecorded;
    this.#tagsOf = tagsOf;
  }

  /** Resolves when the manifest is recorded. @throws what its `check` throws, and what writing throws */
  async put(write: ManifestWrite): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      this.#onArrival?.();
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is waiting. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // A turn of the event loop, so that requests that have arrived together are written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const begin = performance.now();
      const batch = this.#waiting.splice(0, MAX_BATCH);
      await this.#commit(batch);
      await this.#gather(batch.length + this.#waiting.length, (performance.now() - begin) / 2);
    }
    this.#running = undefined;
  }

  /** Resolves when that many writers are back, or time is up. A single one is not waited for. */
  async #gather(writers: number, milliseconds: number): Promise<void> {
    const enough = Math.min(writers, MAX_BATCH);
    if (enough <= 1 || this.#waiting.length >= enough) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(milliseconds, MAX_GATHER_MS));
      this.#onArrival = () => {
        if (this.#waiting.length < enough) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onArrival = undefined;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    let accepted: readonly Waiting[] = [];
    let refused = new Map<Waiting, unknown>();
    try {
      const recorded = await this.#recorder.record((snapshot) => {
        refused = new Map();
        accepted = this.#choose(batch, snapshot, refused);
        const tags = this.#tagsOf(snapshot);
        return accepted.map(({ write }) => ({ ...write, tags: write.tags.map((tag) => tags.nameOf(tag)) }));
      }, this.#options);
      this.#onRecorded(recorded, accepted.length);
      for (const item of accepted) item.resolve();
      for (const [item, error] of refused) item.reject(error);
    } catch (error) {
      // One manifest that cannot be recorded must not keep the others out.
      if (batch.length > 1) for (const item of batch) await this.#commit([item]);
      else batch[0]!.reject(error);
    }
  }

  #choose(batch: readonly Waiting[], snapshot: IndexSnapshot, refused: Map<Waiting, unknown>): Waiting[] {
    const tags = this.#tagsOf(snapshot);
    const moved = new Map<string, Digest>();
    return batch.filter((item) => {
      try {
        item.write.check((tag) => moved.get(tag) ?? tags.get(tag)?.digest, snapshot);
      } catch (error) {
        refused.set(item, error);
        return false;
      }
      for (const tag of item.write.tags) moved.set(tag, item.write.descriptor.digest);
      return true;
    });
  }
}
