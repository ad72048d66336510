import type { Descriptor, Digest, RecordEdit } from "@ocilot/layout/spec";
import type { ConventionId } from "../graph/edge.js";
import type { NewBlob } from "../view/layout-view.js";

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
  | Exclude<RecordEdit, { op: "insert" }>
  | { readonly op: "add"; readonly key: RecordKey; readonly descriptor: Descriptor };

/** A link that a target cannot represent. Its existing record is kept. */
export interface UnrepresentableLink {
  readonly subject: Digest;
  readonly referrer: Digest;
  readonly reason: "no-subject" | "unverified" | "legacy-type" | "no-form" | "not-root" | "taken";
  readonly message: string;
}

/** An image index that is replaced by a new one with more children; the old one is kept, untagged. */
export interface DigestChange {
  readonly from: Digest;
  readonly to: Digest;
  /** The tags that move. */
  readonly tags: readonly string[];
  /** Referrers of the old index; they do not cover the new one. */
  readonly uncovered: readonly Digest[];
}

/** What would have to change; positions are those of the view that was given. */
export interface Projection {
  readonly changes: readonly IndexChange[];
  readonly blobs: readonly NewBlob[];
  readonly losses: readonly UnrepresentableLink[];
  /** Why nothing can be written at all. */
  readonly refusals: readonly string[];
  /** Records that are kept instead of removed, and why. */
  readonly kept: readonly string[];
  /** Of a convention made of others: what each of them cannot represent, by its id. `losses` are those of any of them. */
  readonly partLosses?: ReadonlyMap<ConventionId, readonly UnrepresentableLink[]>;
  /** Only a target that was allowed to change digests has any. */
  readonly digestChanges?: readonly DigestChange[];
}

/**
 * A projection that changes nothing but what is given.
 * @example
 * ```ts
 * import { projection } from "@ocilot/referrers";
 *
 * console.log(projection({ refusals: ["read-only"] })); // no changes, blobs or losses
 * ```
 */
export function projection(parts: Partial<Projection> = {}): Projection {
  return { changes: [], blobs: [], losses: [], refusals: [], kept: [], ...parts };
}
