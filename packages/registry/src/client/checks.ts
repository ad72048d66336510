import { type Hasher, algorithmOf, createHasher } from "@ocilot/layout";
import { type Descriptor, type Digest, OcilotError, isDigest } from "@ocilot/layout/spec";
import { isTag } from "../reference/reference.js";

/** Starts a digest of the algorithm of `digest`. @throws OcilotError `ALGORITHM_UNSUPPORTED` */
export function hasherFor(digest: Digest): Hasher {
  return createHasher(algorithmOf(digest));
}

/** The digest of bytes by the algorithm of `digest`. @throws OcilotError `ALGORITHM_UNSUPPORTED` */
export function digestLike(digest: Digest, bytes: Uint8Array): Digest {
  const hasher = hasherFor(digest);
  hasher.update(bytes);
  return hasher.digest();
}

/** Refuses what is neither a tag nor a digest, before it becomes part of an address. @throws OcilotError `REFERENCE_INVALID` */
export function checkTagOrDigest(reference: string): { readonly digest?: Digest } {
  if (isDigest(reference)) return { digest: reference };
  if (isTag(reference)) return {};
  const shown = JSON.stringify(reference.slice(0, 200));
  throw new OcilotError("REFERENCE_INVALID", `${shown} is neither a tag nor a digest`, {
    reference: reference.slice(0, 200),
    reason: "neither a tag nor a digest",
  });
}

export function sizeMismatch(d: Descriptor, found: number, host: string): OcilotError<"SIZE_MISMATCH"> {
  return new OcilotError(
    "SIZE_MISMATCH",
    `${d.digest}: the descriptor says ${d.size} bytes, ${host} sent ${found}`,
    { digest: d.digest, expected: d.size, found },
    { hint: "The copy in the registry is damaged, or the descriptor is wrong." },
  );
}

export function corrupt(expected: Digest, found: string, host: string): OcilotError<"BLOB_CORRUPT"> {
  return new OcilotError(
    "BLOB_CORRUPT",
    `${expected}: ${host} sent content with the digest ${found}`,
    { digest: expected, expected, found },
    { hint: "The copy in the registry is damaged, or something between here and there changes it." },
  );
}

export function blobNotFound(digest: Digest, where: string): OcilotError<"BLOB_NOT_FOUND"> {
  return new OcilotError("BLOB_NOT_FOUND", `${digest} is not in ${where}`, { digest });
}
