import { DOCKER_REFERENCE_DIGEST, type Descriptor, type Digest, type Manifest } from "@ocilot/layout/spec";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { SPARSE_PLATFORMS, isLeftOut } from "./sparse-platforms.js";

/** Why a child of an image index is missing by design: an entry notes it, or no part of that platform is present. */
export type Omission = "noted" | "absent";

/** A missing child of an index. */
export interface MissingChild {
  readonly descriptor: Descriptor;
  /** The manifests that lead to it, the outermost first. */
  readonly parents: readonly Digest[];
  /** The path to it leads through a referrer, which is signed as a whole. */
  readonly isInReferrer: boolean;
  /** The entries of the outermost manifest, as far as they note that a copy left platforms out. */
  readonly entries: readonly Descriptor[];
}

/** What decides whether a missing child was left out. */
export interface OmissionFacts {
  /** The manifests that are present. */
  readonly manifests: ReadonlyMap<Digest, Manifest>;
  readonly graph: ReferrerGraph;
  /** Lists of referrers: their children are no platforms. */
  readonly lists: ReadonlySet<Digest>;
}

/**
 * Returns the missing children of image indexes that were left out by design, as `docker save`, `ctr images export` and
 * `ocilot copy --platform` leave out whole platforms and what refers to them. A child is not left out but lost if something that
 * refers to it is present, if an entry notes that it was copied, if no image of the index is present, or if the index is itself a
 * referrer or part of one.
 */
export function omittedChildren(missing: readonly MissingChild[], facts: OmissionFacts): Map<Digest, Omission> {
  const omitted = new Map<Digest, Omission>();
  for (const child of missing) {
    const omission = subjectOf(child.descriptor) === undefined ? omissionOf(child, facts) : undefined;
    if (omission !== undefined) omitted.set(child.descriptor.digest, omission);
  }
  // What BuildKit says about a platform is left out with that platform.
  for (const { descriptor } of missing) {
    const omission = omitted.get(subjectOf(descriptor) ?? descriptor.digest);
    if (omission !== undefined) omitted.set(descriptor.digest, omission);
  }
  return omitted;
}

function omissionOf({ descriptor, parents, isInReferrer, entries }: MissingChild, facts: OmissionFacts): Omission | undefined {
  const [root] = parents;
  if (root === undefined || isInReferrer || parents.some((digest) => isReferrerIndex(digest, facts))) return undefined;
  if (entries.some((e) => e.annotations?.[SPARSE_PLATFORMS] !== undefined) && descriptor.platform !== undefined)
    return isLeftOut(descriptor.platform, entries) ? "noted" : undefined;
  if (facts.graph.of(descriptor.digest).some((e) => facts.manifests.has(e.referrer.digest))) return undefined;
  return hasPresentImage(root, facts.manifests) ? "absent" : undefined;
}

function isReferrerIndex(digest: Digest, { lists, manifests }: OmissionFacts): boolean {
  return lists.has(digest) || manifests.get(digest)?.subject !== undefined;
}

/** Returns whether an image of an index is present, through nested indexes. Attestations do not count. */
function hasPresentImage(index: Digest, manifests: ReadonlyMap<Digest, Manifest>, seen: Set<Digest> = new Set()): boolean {
  seen.add(index);
  return (manifests.get(index)?.manifests ?? []).some((child) => {
    const manifest = manifests.get(child.digest);
    if (manifest === undefined || subjectOf(child) !== undefined || seen.has(child.digest)) return false;
    const isIndex = manifest.kind === "index" || manifest.kind === "docker-list";
    return !isIndex || hasPresentImage(child.digest, manifests, seen);
  });
}

function subjectOf(d: Descriptor): Digest | undefined {
  return d.annotations?.[DOCKER_REFERENCE_DIGEST] as Digest | undefined;
}
