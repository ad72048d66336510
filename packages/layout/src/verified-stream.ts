import { Transform, type TransformCallback } from "node:stream";
import { OcilotError } from "./errors.js";
import { algorithmOf, createHasher, digestOf } from "./hash.js";
import type { Descriptor } from "./spec/descriptor.js";

/** Passes bytes through and fails at the end unless they are exactly what the descriptor promises. */
export function verifiedStream(d: Descriptor): Transform {
  const hasher = createHasher(algorithmOf(d.digest));
  let seen = 0;
  return new Transform({
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
}

/** @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT` */
export function checkBytes(d: Descriptor, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== d.size) throw sizeMismatch(d, bytes.length);
  const found = digestOf(bytes, algorithmOf(d.digest));
  if (found !== d.digest) throw corrupt(d, found);
  return bytes;
}

export function sizeMismatch(d: Descriptor, found: number): OcilotError<"SIZE_MISMATCH"> {
  return new OcilotError(
    "SIZE_MISMATCH",
    `${d.digest}: the descriptor says ${d.size} bytes, the blob has ${found}`,
    {
      digest: d.digest,
      expected: d.size,
      found,
    },
    { hint: "Fetch the blob again from where the layout came from." },
  );
}

export function corrupt(d: Descriptor, found: string): OcilotError<"BLOB_CORRUPT"> {
  return new OcilotError(
    "BLOB_CORRUPT",
    `${d.digest}: the content has the digest ${found}`,
    { digest: d.digest, expected: d.digest, found },
    {
      hint: "Fetch the blob again from where the layout came from.",
    },
  );
}

export function blobNotFound(d: Pick<Descriptor, "digest">): OcilotError<"BLOB_NOT_FOUND"> {
  return new OcilotError(
    "BLOB_NOT_FOUND",
    `${d.digest} is not in the layout`,
    { digest: d.digest },
    {
      hint: "It may have been left out on purpose (another platform), or lost by a tool that copies no referrers.",
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
