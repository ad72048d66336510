import { Transform, type TransformCallback } from "node:stream";
import { abortError } from "../abort.js";
import type { Descriptor } from "../spec/descriptor.js";
import { corrupt, sizeMismatch } from "./check-bytes.js";
import { algorithmOf, createHasher } from "./hash.js";

/**
 * Returns a stream that passes bytes through and fails at its end unless size and digest are those of the descriptor. An abort ends it with
 * `ABORTED`.
 * @example
 * ```ts
 * import { createReadStream, createWriteStream } from "node:fs";
 * import { pipeline } from "node:stream/promises";
 * import { Layout, verifiedStream } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * await pipeline(createReadStream("./downloaded"), verifiedStream(image), createWriteStream("./checked"));
 * ```
 */
export function verifiedStream(d: Descriptor, signal?: AbortSignal): Transform {
  const hasher = createHasher(algorithmOf(d.digest));
  let seen = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback): void {
      seen += chunk.length;
      if (seen > d.size) return done(sizeMismatch(d, seen));
      hasher.update(chunk);
      done(null, chunk);
    },
    flush(done: TransformCallback): void {
      if (seen !== d.size) return done(sizeMismatch(d, seen));
      const found = hasher.digest();
      done(found === d.digest ? null : corrupt(d, found));
    },
  });
  if (signal !== undefined) {
    const stop = (): void => void stream.destroy(abortError(signal));
    signal.addEventListener("abort", stop);
    stream.once("close", () => signal.removeEventListener("abort", stop));
  }
  return stream;
}
