import { type Digest, type IndexEdit, isDigest } from "@ocilot/layout/spec";

/**
 * Annotation of `index.json`: the digests, separated by spaces, of manifests that were taken out of every record and are
 * about to be deleted. It is written in the same step that removes the records, so that a search of `blobs/` never takes
 * such a manifest for a referrer, even if the program that removes it is killed.
 */
export const DETACHED = "io.ocilot.detached";

/** The manifests that are about to be deleted. */
export function detachedDigests(annotations: Readonly<Record<string, string>>): Set<Digest> {
  return new Set((annotations[DETACHED] ?? "").split(" ").filter(isDigest));
}

/** The edit that makes these the manifests about to be deleted. */
export function detachedEdit(digests: Iterable<Digest>): IndexEdit & { op: "annotate-index" } {
  const value = [...new Set(digests)].toSorted().join(" ");
  return value === "" ? { op: "annotate-index", unset: [DETACHED] } : { op: "annotate-index", set: { [DETACHED]: value } };
}
