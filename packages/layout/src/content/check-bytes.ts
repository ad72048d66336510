import { OcilotError } from "../errors.js";
import type { Descriptor } from "../spec/descriptor.js";
import { algorithmOf, digestOf } from "./hash.js";

/** Returns `bytes` if size and digest are those of the descriptor. @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT` */
export function checkBytes(d: Descriptor, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== d.size) throw sizeMismatch(d, bytes.length);
  const found = digestOf(bytes, algorithmOf(d.digest));
  if (found !== d.digest) throw corrupt(d, found);
  return bytes;
}

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

export function tooLarge(d: Descriptor, limit: number): OcilotError<"LIMIT_EXCEEDED"> {
  return new OcilotError("LIMIT_EXCEEDED", `${d.digest}: ${d.size} bytes are over the limit of ${limit}`, {
    what: "blob size",
    limit,
    found: d.size,
  });
}
