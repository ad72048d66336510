import { type Descriptor, type OcilotError, isOcilotError } from "@ocilot/layout/spec";
import type { BlobContents, BlobPeek } from "./wrapping.js";

/**
 * A {@link BlobPeek} over the blobs of a layout. What cannot be read is a value and no exception; an abort is thrown.
 * @example
 * ```ts
 * import { Layout, parseManifest } from "@ocilot/layout";
 * import { openStatements, peekInto } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const manifest = parseManifest(await layout.blobs.bytes(image), image.mediaType, image.digest);
 * console.log(await openStatements(manifest, peekInto(layout.blobs)));
 * ```
 */
export function peekInto(blobs: BlobContents): BlobPeek {
  return { bytes, head };

  async function bytes(descriptor: Descriptor, maxBytes: number): Promise<Uint8Array | OcilotError> {
    return await orError(async () => await blobs.bytes(descriptor, { maxBytes }));
  }

  async function head(descriptor: Descriptor, maxBytes: number): Promise<Uint8Array | OcilotError> {
    if (descriptor.size <= maxBytes) return await bytes(descriptor, maxBytes);
    return await orError(async () => {
      const parts: Uint8Array[] = [];
      let size = 0;
      // Leaving the loop destroys the stream: the rest is not read.
      for await (const part of await blobs.open(descriptor)) {
        parts.push(part.subarray(0, maxBytes - size));
        size += part.length;
        if (size >= maxBytes) break;
      }
      return join(parts, Math.min(size, maxBytes));
    });
  }
}

async function orError(read: () => Promise<Uint8Array>): Promise<Uint8Array | OcilotError> {
  try {
    return await read();
  } catch (error) {
    if (isOcilotError(error) && error.code !== "ABORTED") return error;
    throw error;
  }
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
