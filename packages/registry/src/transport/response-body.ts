import type { Dispatcher } from "undici";

/** Up to this size, the rest of a discarded body is received so that its connection can be reused. */
const MAX_DRAINED_BYTES: number = 64 * 1024;
/** With this much unread, the connection is paused. */
const HIGH_WATER_BYTES: number = 1024 * 1024;

/**
 * The body of a response, for one reader: given to a function as it arrives, without a copy, or kept and taken in batches. A chunk of the
 * transport is valid only while it is pushed.
 */
export class ResponseBody {
  readonly #controller: Dispatcher.DispatchController;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #state: "open" | "ended" | { readonly error: unknown } = "open";
  #wake: (() => void) | undefined;
  #drained: number | undefined;
  #take: ((chunk: Uint8Array) => void) | undefined;

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller;
  }

  /** Adds a chunk from the socket. */
  push(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    if (this.#take !== undefined) return this.#give(chunk);
    if (this.#drained !== undefined) {
      this.#drained += chunk.length;
      if (this.#drained > MAX_DRAINED_BYTES) this.close();
      return;
    }
    this.#chunks.push(new Uint8Array(chunk));
    this.#waiting += chunk.length;
    if (this.#waiting >= HIGH_WATER_BYTES) this.#controller.pause();
    // A waiting reader is woken once the socket has been drained, so that it gets a batch rather than a chunk.
    else if (this.#wake !== undefined) return void setImmediate(() => this.#signal());
    this.#signal();
  }

  /** Ends the body, with the error that interrupted it, if any. */
  end(error?: unknown): void {
    if (this.#state === "open") this.#state = error === undefined ? "ended" : { error };
    this.#signal();
  }

  /** The next chunks, at least one; undefined at the end. @throws the error of the connection, after everything received before it */
  async batch(): Promise<readonly Uint8Array[] | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#state === "ended") return undefined;
      if (this.#state !== "open") throw this.#state.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#waiting = 0;
    if (this.#state === "open") this.#controller.resume();
    return chunks;
  }

  /**
   * Gives every chunk to `take` when it arrives, and returns at the end. What `take` throws closes the connection.
   * @throws the error of the connection, after everything received before it; TakeError
   */
  async pass(take: (chunk: Uint8Array) => void): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#waiting = 0;
    this.#take = take;
    const isOver = this.#state !== "open";
    if (isOver) for (const chunk of chunks) take(chunk);
    else for (const chunk of chunks) this.#give(chunk);
    if (this.#state === "open") this.#controller.resume();
    while (this.#state === "open") {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#state !== "ended") throw this.#state.error;
  }

  #give(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    try {
      this.#take?.(chunk);
    } catch (error) {
      this.#state = { error };
      this.#controller.abort(new Error("not read"));
      this.#signal();
    }
  }

  /** The whole body, or undefined once it is over `limit` bytes; then the connection is closed. */
  async bytes(limit: number): Promise<Uint8Array | undefined> {
    const all: Uint8Array[] = [];
    let size = 0;
    for (let chunks = await this.batch(); chunks !== undefined; chunks = await this.batch()) {
      for (const chunk of chunks) {
        size += chunk.length;
        all.push(chunk);
      }
      if (size > limit) {
        this.close();
        return undefined;
      }
    }
    return Buffer.concat(all, size);
  }

  /** Stops reading: a small rest is received and dropped, else the connection is closed. */
  discard(): void {
    if (this.#state !== "open" || this.#drained !== undefined) return;
    this.#drained = this.#waiting;
    this.#chunks = [];
    if (this.#drained > MAX_DRAINED_BYTES) this.close();
    else this.#controller.resume();
  }

  /** Closes the connection unless the body is complete. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#chunks = [];
    this.#controller.abort(new Error("not read"));
    this.#signal();
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
