import type { Descriptor, Digest, IndexEdit } from "@ocilot/layout/spec";
import type { ConventionId, Problem, ReferrerEdge } from "./edge.js";
import type { ReferrerGraph } from "./graph.js";
import type { LayoutView, NewBlob } from "./view.js";

/** What a convention is able to say. */
export interface ConventionTraits {
  /** `"individual"`: one entry per referrer; `"list"`: one response index per subject; `"other"`: neither. */
  readonly shape: "individual" | "list" | "other";
  /** Can it hold a link whose manifest has no `subject`? */
  readonly nEdges: boolean;
  /** Can a conversion have it as its target? */
  readonly target: boolean;
}

/** Why a layout is said to speak a convention: the entries, the flags, and what is odd about them. */
export interface Detection {
  readonly entries: readonly { readonly position: number; readonly reason: string }[];
  /** Annotations of `index.json` that belong to the convention. */
  readonly flags: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * The place of an entry in the canonical order: foreign entries as they come, then referrer entries, bare subject
 * entries and lists, each by subject, then digest.
 */
export interface RecordKey {
  readonly rank: "foreign" | "referrer" | "subject" | "list";
  readonly subject: Digest;
  readonly digest: Digest;
}

/** A change to the entries of a view; what is added has no position yet, its key decides it. */
export type IndexChange =
  | Exclude<IndexEdit, { op: "insert" }>
  | { readonly op: "add"; readonly key: RecordKey; readonly descriptor: Descriptor };

/** A link that a target cannot hold. It stays where it was. */
export interface Loss {
  readonly subject: Digest;
  readonly referrer: Digest;
  readonly reason: "no-subject" | "unverified" | "legacy-type" | "no-form" | "not-root" | "taken";
  readonly message: string;
}

/** An image index that has to be written anew to say what it is to say; the old one stays, without its tags. */
export interface DigestChange {
  readonly from: Digest;
  readonly to: Digest;
  /** The tags that move. */
  readonly tags: readonly string[];
  /** What refers to the old index, and so says nothing of what the tags name then. */
  readonly uncovered: readonly Digest[];
}

/** What would have to change; positions are those of the view that was given. */
export interface Projection {
  readonly changes: readonly IndexChange[];
  readonly blobs: readonly NewBlob[];
  readonly losses: readonly Loss[];
  /** Why it cannot be done at all. */
  readonly refusals: readonly string[];
  /** Records that stay although they were to be withdrawn, and why. */
  readonly kept: readonly string[];
  /** Only a target that was allowed to change digests has any. */
  readonly digestChanges?: readonly DigestChange[];
}

/** One way of recording who refers to whom. Reads and plans; never writes. */
export interface Convention {
  readonly id: ConventionId;
  readonly title: string;
  readonly traits: ConventionTraits;
  /** Which entries speak it, and why. */
  detect(view: LayoutView): Promise<Detection>;
  /** The edges that this convention's own records state, S-edges under the subject that their manifest names. */
  read(view: LayoutView): Promise<readonly ReferrerEdge[]>;
  /** What has to be added or mended so that this convention states every edge of the graph. */
  project(graph: ReferrerGraph, view: LayoutView): Promise<Projection>;
  /** Takes this convention's records out again; an entry that another convention uses too loses only what is mine. */
  withdraw(graph: ReferrerGraph, view: LayoutView): Promise<Projection>;
}

/** A projection that changes nothing but what is given. */
export function projection(parts: Partial<Projection> = {}): Projection {
  return { changes: [], blobs: [], losses: [], refusals: [], kept: [], ...parts };
}
