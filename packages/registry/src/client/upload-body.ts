import { setTimeout as sleep } from "node:timers/promises";
import { OcilotError } from "@ocilot/layout/spec";
import type { ReplayableSource } from "./types.js";

/** Bodies up to this size are read first and sent in one piece, with the head of the request. */
const SMALL_BYTES: number = 256 * 1024;

/** A write of this size fills the buffer of any socket, so the next chunk is asked for only when the kernel has this one. */
const FILLING_BYTES: number = 64 * 1024;

/** Sent before it is waited whether the registry takes the rest. */
const HELD_BACK_AFTER: number = 64 * 1024;
const MAX_HOLD_BACK_MS = 1000;

/** A part of a source on its way. */
export interface SlicePart {
  readonly start: number;
  readonly end: number;
  readonly onBytes: (count: number) => void;
  /**
   * Milliseconds to wait after the first 64 KiB of a large part, at most a second. A registry that refuses the request by its headers (401, 413, 429, 503)
   * says so in that time, and the rest is not sent in vain: what `Expect: 100-continue` is for, which undici does not send.
   */
  readonly holdBack?: number | undefined;
}

/**
 * The bytes of a source from `start` to `end`, as the body of a request: a small part as bytes, a larger one as something to be read anew for
 * each attempt.
 */
export async function sliceBody(source: ReplayableSource, part: SlicePart): Promise<Uint8Array | (() => AsyncIterable<Uint8Array>)> {
  const size = part.end - part.start;
  if (size > SMALL_BYTES) return () => slice(source, part);
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of slice(source, part)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function* slice(source: ReplayableSource, part: SlicePart): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, end, onBytes } = part;
  let holdBack = end - start > SMALL_BYTES ? part.holdBack : undefined;
  let at = start;
  if (at === end) return;
  for await (const chunk of source.read(start)) {
    let taken = chunk.length > end - at ? chunk.subarray(0, end - at) : chunk;
    at += taken.length;
    if (holdBack !== undefined && taken.length > 0) {
      const head = taken.subarray(0, HELD_BACK_AFTER);
      yield head.length < FILLING_BYTES ? Uint8Array.from(head) : head;
      onBytes(head.length);
      await sleep(Math.min(holdBack, MAX_HOLD_BACK_MS));
      holdBack = undefined;
      taken = taken.subarray(head.length);
    }
    // A smaller chunk may still be queued when the source uses its memory again.
    if (taken.length > 0) yield taken.length < FILLING_BYTES ? Uint8Array.from(taken) : taken;
    // Counted once it has been taken: nothing is, when the request is over by then.
    onBytes(taken.length);
    if (at === end) return;
  }
  throw new OcilotError("IO_ERROR", `the source ends after ${at} bytes, and ${end} were announced`, { path: "source" });
}

/**
 * Bytes at hand as a source.
 * @example
 * ```ts
 * import { digestOf } from "@ocilot/layout";
 * import { RegistrySession, bytesSource } from "@ocilot/registry";
 *
 * const session = new RegistrySession();
 * const bytes = new TextEncoder().encode("hello");
 * const blob = { mediaType: "text/plain", digest: digestOf(bytes), size: bytes.length };
 * await session.repository("localhost:5000/app").pushBlob(blob, bytesSource(bytes));
 * await session.close();
 * ```
 */
export function bytesSource(bytes: Uint8Array): ReplayableSource {
  return { read: (offset) => [bytes.subarray(offset)] };
}
