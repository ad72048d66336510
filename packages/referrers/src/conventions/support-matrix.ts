import { LIST_CONVENTIONS } from "../records/list-annotations.js";
import type { UnrepresentableLink } from "../records/projection.js";
import type { BuiltInConventionId, ConventionId, ReferrerEdge } from "../graph/edge.js";

/** The classes of link that conventions treat differently. */
export const LINK_CLASSES = {
  subject: "the manifest has a `subject`",
  "cosign-subject": "a signature, attestation or SBOM image of cosign's that has a `subject` too",
  cosign: "a signature, attestation or SBOM image of cosign's, without `subject`",
  bare: "any other manifest without `subject`, such as a BuildKit attestation before 0.32",
  "oras-artifact": "an ORAS artifact manifest with `subject`",
  absent: "a missing manifest that a list names",
  "absent-bare": "a missing manifest that a tag, a `kind` or an annotation names",
} as const;

/** A class of links that conventions can or cannot record. */
export type LinkClass = keyof typeof LINK_CLASSES;

/** The class of an edge; `isCosign` tells whether cosign would take the referrer for its own. */
export function linkClassOf(edge: ReferrerEdge, isCosign = false): LinkClass {
  if (!edge.verified) return edge.link === "S" ? "absent" : "absent-bare";
  if (edge.link === "N") return isCosign ? "cosign" : "bare";
  if (edge.legacy === true && edge.referrer.mediaType.includes("cncf.oras")) return "oras-artifact";
  return isCosign ? "cosign-subject" : "subject";
}

/** Why a whole conversion is refused. */
export const REFUSALS = {
  "list-too-large": "the list of a subject would be over 8 MiB, which tools refuse to read",
  "tag-taken": "a tag that it needs points to something else",
  rivals: "two manifests need the same name, and only one of them can have it",
  "several-roots": "the layout does not hold exactly one image",
  "no-name": "an image with referrers has no tag, or shares its tag with another image",
} as const;

/** Why a convention cannot record a class of links. */
export type RefusalReason = keyof typeof REFUSALS;

/** What the support matrix says of a convention as a target. */
export interface TargetRow {
  /** Why each class of link cannot be recorded; what is not named can be. */
  readonly unsupportedReason: Partial<Record<LinkClass, UnrepresentableLink["reason"]>>;
  /** Why single links may be left out although their class can be recorded. */
  readonly sometimes: readonly UnrepresentableLink["reason"][];
  readonly refusals: readonly RefusalReason[];
  readonly writesLists: boolean;
}

/** What the support matrix says of a convention as a source. */
export interface SourceRow {
  readonly classes: readonly LinkClass[];
  /** What `only` does with its records once another convention holds their links. */
  readonly withdrawal: string;
}

/** Conventions that no conversion has as its target, and why. */
export const NEVER_TARGETS: Partial<Record<BuiltInConventionId, string>> = {
  buildkit: "putting referrers into an image index gives the index a new digest",
  unlisted: "garbage collectors delete a manifest that is not reachable from index.json",
};

const S_CLASSES = ["subject", "cosign-subject", "oras-artifact"] as const;
const NO_SUBJECT = { cosign: "no-subject", bare: "no-subject", "absent-bare": "no-subject" } as const;
const NOT_THERE = { absent: "unverified", "absent-bare": "unverified" } as const;
const NOT_COSIGN = { subject: "no-form", bare: "no-form", "oras-artifact": "no-form" } as const;
const LIST: TargetRow = { unsupportedReason: NO_SUBJECT, sometimes: [], refusals: ["list-too-large"], writesLists: true };

const ORAS_LOSSES = { "oras-artifact": "legacy-type", absent: "unverified", ...NO_SUBJECT } as const;

/** What each convention can record. */
export const TARGET_ROWS: Readonly<Partial<Record<BuiltInConventionId, TargetRow>>> = {
  oras: { unsupportedReason: ORAS_LOSSES, sometimes: [], refusals: [], writesLists: false },
  containerd: { unsupportedReason: NOT_THERE, sometimes: [], refusals: [], writesLists: false },
  regclient: { ...LIST, refusals: ["list-too-large", "tag-taken"] },
  olareg: LIST,
  "image-spec": LIST,
  "cosign-tags": {
    unsupportedReason: { ...NOT_COSIGN, ...NOT_THERE },
    sometimes: ["taken"],
    refusals: ["tag-taken", "rivals"],
    writesLists: false,
  },
  "cosign-save": {
    unsupportedReason: { ...NOT_COSIGN, ...NOT_THERE },
    sometimes: ["not-root", "no-form", "taken"],
    refusals: ["several-roots", "rivals"],
    writesLists: false,
  },
  hauler: {
    unsupportedReason: { bare: "no-form", ...NOT_THERE },
    sometimes: ["not-root", "taken"],
    refusals: ["no-name", "rivals"],
    writesLists: false,
  },
  universal: { unsupportedReason: ORAS_LOSSES, sometimes: [], refusals: ["list-too-large", "tag-taken"], writesLists: true },
};

const PLAIN_RECORDS = "its entries and annotations are removed if they hold nothing else";

/** What each convention's records state. */
export const SOURCE_ROWS: Readonly<Record<BuiltInConventionId, SourceRow>> = {
  oras: { classes: S_CLASSES, withdrawal: PLAIN_RECORDS },
  containerd: { classes: [...S_CLASSES, "cosign", "bare", "absent"], withdrawal: PLAIN_RECORDS },
  regclient: { classes: [...S_CLASSES, "absent"], withdrawal: PLAIN_RECORDS },
  olareg: { classes: [...S_CLASSES, "absent"], withdrawal: PLAIN_RECORDS },
  "image-spec": { classes: [...S_CLASSES, "absent"], withdrawal: PLAIN_RECORDS },
  buildkit: { classes: [...S_CLASSES, "bare", "absent"], withdrawal: "nothing is removed: the index may be signed" },
  "cosign-tags": {
    classes: ["cosign", "cosign-subject", "absent-bare"],
    withdrawal: "nothing is removed: tags are kept",
  },
  "cosign-save": {
    classes: ["cosign", "cosign-subject", "absent-bare"],
    withdrawal: "its `kind` annotations are removed, and entries that hold nothing else",
  },
  hauler: {
    classes: [...S_CLASSES, "cosign", "absent-bare"],
    withdrawal: "its entries of referrers are removed, or lose what hauler added, and their image loses its `kind`",
  },
  unlisted: { classes: S_CLASSES, withdrawal: "it has no records" },
  universal: { classes: S_CLASSES, withdrawal: PLAIN_RECORDS },
};

/** What recording the links of one convention in another takes. */
export interface SupportCell {
  /** `same`: recorded so already; `index-only`: `index.json` changes; `writes-lists`: new blobs too; `never`: not a target. */
  readonly effect: "same" | "index-only" | "writes-lists" | "never";
  /** Classes of link that the source can hold and the target cannot: they stay, and are reported. */
  readonly unsupportedReason: readonly { readonly linkClass: LinkClass; readonly reason: UnrepresentableLink["reason"] }[];
  /** Further reasons for which single links may stay. */
  readonly sometimes: readonly UnrepresentableLink["reason"][];
  readonly refusals: readonly RefusalReason[];
}

const LISTS: ReadonlySet<ConventionId> = new Set([...LIST_CONVENTIONS, "universal"]);
const UNIVERSAL: ReadonlySet<ConventionId> = new Set([...LISTS, "oras", "containerd"]);

/**
 * What can be said beforehand of converting records of `from` to `to`.
 * @example
 * ```ts
 * import { supportCell } from "@ocilot/referrers";
 *
 * console.log(supportCell("oras", "cosign-tags"));
 * ```
 */
export function supportCell(from: BuiltInConventionId, to: BuiltInConventionId): SupportCell {
  const row = TARGET_ROWS[to];
  if (row === undefined) return { effect: "never", unsupportedReason: [], sometimes: [], refusals: [] };
  const { classes } = SOURCE_ROWS[from];
  const isSame = from === to || (from === "universal" && UNIVERSAL.has(to));
  const losses = classes.flatMap((linkClass) => {
    const reason = row.unsupportedReason[linkClass];
    // A convention keeps what it has recorded, verified or not.
    return reason === undefined || (isSame && reason === "unverified") ? [] : [{ linkClass, reason }];
  });
  if (isSame) return { effect: "same", unsupportedReason: losses, sometimes: [], refusals: [] };
  return {
    // A list that is right serves another convention as well.
    effect: row.writesLists && !LISTS.has(from) ? "writes-lists" : "index-only",
    unsupportedReason: losses,
    sometimes: row.sometimes,
    refusals: row.refusals,
  };
}

/** Why `target` cannot record a link of that class, or undefined if it can. */
export function unsupportedReason(target: ConventionId, linkClass: LinkClass): UnrepresentableLink["reason"] | undefined {
  return TARGET_ROWS[target as BuiltInConventionId]?.unsupportedReason[linkClass];
}
