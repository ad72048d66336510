import { OcilotError } from "../errors.js";
import type { Descriptor } from "../spec/descriptor.js";
import { blobNotFound, checkBytes } from "./check-bytes.js";

/**
 * Returns the content that a descriptor embeds as `data`, for a blob that is missing; undefined if it embeds none.
 * @throws OcilotError `BLOB_NOT_FOUND` if what it embeds is not the content: the blob is missing all the same
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#embedded-content
 * @example
 * ```ts
 * import { Layout, embeddedData } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const bytes = embeddedData(image) ?? (await layout.blobs.bytes(image));
 * console.log(bytes.length);
 * ```
 */
export function embeddedData(d: Pick<Descriptor, "digest"> & Partial<Descriptor>): Uint8Array | undefined {
  const { data, size } = d;
  if (typeof data !== "string" || size === undefined) return undefined;
  try {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) throw notEmbedded(d, "is not base64");
    return checkBytes({ mediaType: "", digest: d.digest, size }, fromBase64(data));
  } catch (cause) {
    throw cause instanceof OcilotError && cause.code !== "BLOB_NOT_FOUND" ? notEmbedded(d, `is not its content: ${cause.message}`) : cause;
  }
}

function notEmbedded(d: Pick<Descriptor, "digest">, why: string): OcilotError<"BLOB_NOT_FOUND"> {
  const { message, hint } = blobNotFound(d);
  return new OcilotError(
    "BLOB_NOT_FOUND",
    `${message}, and the data in its descriptor ${why}`,
    { digest: d.digest },
    { ...(hint !== undefined && { hint }) },
  );
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
