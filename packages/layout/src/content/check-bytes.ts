import { OcilotError } from "../errors.js";
import type { Descriptor } from "../spec/descriptor.js";
import { algorithmOf, digestOf } from "./hash.js";

/**
 * Returns `bytes` if size and digest are those of the descriptor.
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { blobPath, checkBytes, Layout } from "@ocilot/layout";
 *
 * const image = await (await Layout.open("./layout")).resolve("v1");
 * const bytes = checkBytes(image, await readFile(`./layout/${blobPath(image.digest)}`)); // throws SIZE_MISMATCH, BLOB_CORRUPT
 * console.log(bytes.length);
 * ```
 */
export function checkBytes(d: Descriptor, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== d.size) throw sizeMismatch(d, bytes.length);
  const found = digestOf(bytes, algorithmOf(d.digest));
  if (found !== d.digest) throw corrupt(d, found);
  return bytes;
}

/**
 * Returns the error for content of `found` bytes where the descriptor says another size.
 * @example
 * ```ts
 * import { digestOf, sizeMismatch } from "@ocilot/layout";
 *
 * const bytes = new TextEncoder().encode("hello");
 * const expected = { mediaType: "text/plain", digest: digestOf(bytes), size: 5 };
 * console.log(sizeMismatch(expected, 4).message);
 * ```
 */
export function sizeMismatch(d: Descriptor, found: number): OcilotError<"SIZE_MISMATCH"> {
  return new OcilotError(
    "SIZE_MISMATCH",
    `${d.digest} has ${found} bytes, and its descriptor states ${d.size}`,
    {
      digest: d.digest,
      expected: d.size,
      found,
    },
    { hint: "Take it from another copy of the layout: ocilot repair LAYOUT --from OTHER" },
  );
}

/**
 * Returns the error for content whose digest is not that of its descriptor; `found` is the digest that it has, or what else is wrong.
 * @example
 * ```ts
 * import { corrupt, digestOf } from "@ocilot/layout";
 *
 * const bytes = new TextEncoder().encode("hello");
 * const expected = { mediaType: "text/plain", digest: digestOf(bytes), size: 5 };
 * console.log(corrupt(expected, digestOf(new Uint8Array(5))).code); // BLOB_CORRUPT
 * ```
 */
export function corrupt(d: Descriptor, found: string): OcilotError<"BLOB_CORRUPT"> {
  return new OcilotError(
    "BLOB_CORRUPT",
    `${d.digest} is corrupt: its content has the digest ${found}`,
    { digest: d.digest, expected: d.digest, found },
    {
      hint: "Take it from another copy of the layout: ocilot repair LAYOUT --from OTHER",
    },
  );
}

/**
 * Returns the error for a blob that a layout does not have.
 * @example
 * ```ts
 * import { blobNotFound, Layout } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * if ((await layout.blobs.size(image.digest)) === undefined) throw blobNotFound(image);
 * ```
 */
export function blobNotFound(d: Pick<Descriptor, "digest">): OcilotError<"BLOB_NOT_FOUND"> {
  return new OcilotError(
    "BLOB_NOT_FOUND",
    `${d.digest} is missing from the layout`,
    { digest: d.digest },
    {
      hint: "Unless it was left out on purpose (another platform), take it from another copy: ocilot repair LAYOUT --from OTHER",
    },
  );
}

/**
 * Returns the error for a blob above a limit, in bytes.
 * @example
 * ```ts
 * import { Layout, MAX_MANIFEST_BYTES, tooLarge } from "@ocilot/layout";
 *
 * const image = await (await Layout.open("./layout")).resolve("v1");
 * if (image.size > MAX_MANIFEST_BYTES) throw tooLarge(image, MAX_MANIFEST_BYTES);
 * ```
 */
export function tooLarge(d: Descriptor, limit: number): OcilotError<"LIMIT_EXCEEDED"> {
  return new OcilotError("LIMIT_EXCEEDED", `${d.digest}: ${d.size} bytes are over the limit of ${limit}`, {
    what: "blob size",
    limit,
    found: d.size,
  });
}
