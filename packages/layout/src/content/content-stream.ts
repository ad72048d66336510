import { throwIfAborted } from "../abort.js";
import type { Descriptor } from "../spec/descriptor.js";
import { corrupt, sizeMismatch } from "./check-bytes.js";
import { algorithmOf, createHasher } from "./hash.js";

/** The content of a blob in pieces, read with `for await`. A stream of Node is one. */
export interface ContentStream extends AsyncIterable<Uint8Array> {
  /** Stops reading and lets go of what is open. A reader that waits gets the error. */
  destroy(error?: Error): unknown;
}

/** Returns pieces as a stream that is checked as they pass: size and digest have to be those of the descriptor. */
export function checkedContent(d: Descriptor, pieces: AsyncIterable<Uint8Array>, signal?: AbortSignal): ContentStream {
  const hasher = createHasher(algorithmOf(d.digest));
  return contentStream(checked(), signal);

  async function* checked(): AsyncGenerator<Uint8Array> {
    let seen = 0;
    for await (const piece of pieces) {
      seen += piece.length;
      if (seen > d.size) throw sizeMismatch(d, seen);
      hasher.update(piece);
      yield piece;
    }
    if (seen !== d.size) throw sizeMismatch(d, seen);
    const found = hasher.digest();
    if (found !== d.digest) throw corrupt(d, found);
  }
}

/** Returns pieces as a stream that an abort ends with `ABORTED`. */
export function contentStream(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal?: AbortSignal): ContentStream {
  throwIfAborted(signal);
  let stopped: Error | undefined;
  async function* read(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      check();
      yield piece;
      check();
    }
  }
  const check = (): void => {
    throwIfAborted(signal);
    if (stopped !== undefined) throw stopped;
  };
  const reader = read();
  return {
    [Symbol.asyncIterator]: () => reader,
    destroy: (error = new Error("the stream was destroyed")) => void (stopped ??= error),
  };
}
