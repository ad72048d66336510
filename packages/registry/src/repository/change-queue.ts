import type { ListChange } from "./referrer-list.js";

interface Waiting {
  readonly change: ListChange;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers the changes to one list: while one round of writing is under way, whatever comes in waits and is written in one piece by the next.
 */
export class ChangeQueue {
  readonly #write: (change: ListChange) => Promise<void>;
  #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(write: (change: ListChange) => Promise<void>) {
    this.#write = write;
  }

  /** Resolves when a round with this change has succeeded. */
  async add(change: ListChange): Promise<void> {
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!this.#isWriting) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const round = this.#waiting.splice(0);
      try {
        await this.#write(joined(round.map((w) => w.change)));
        for (const { resolve } of round) resolve();
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
    }
    this.#isWriting = false;
  }
}

/** Of what is added and removed in turn the last counts. */
function joined(changes: readonly ListChange[]): ListChange {
  const added = new Map<string, ListChange["added"][number]>();
  const removed = new Set<ListChange["removed"][number]>();
  for (const change of changes) {
    for (const digest of change.removed) {
      added.delete(digest);
      removed.add(digest);
    }
    for (const d of change.added) {
      removed.delete(d.digest);
      added.set(d.digest, d);
    }
  }
  return { added: [...added.values()], removed: [...removed] };
}
