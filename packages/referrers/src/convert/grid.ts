import type { Loss } from "../convention.js";
import type { ConventionId, ReferrerEdge } from "../edge.js";

/** What kinds of link there are, as far as it matters to whoever has to record one. */
export const LINK_CLASSES = {
  subject: "the manifest has a `subject`",
  "cosign-subject": "a signature, attestation or SBOM image of cosign's that has a `subject` too",
  cosign: "a signature, attestation or SBOM image of cosign's, without `subject`",
  bare: "any other manifest without `subject`, such as a BuildKit attestation before 0.32",
  "oras-artifact": "an ORAS artifact manifest with `subject`",
  absent: "a manifest that is not in the layout, claimed by a list",
  "absent-bare": "a manifest that is not in the layout, claimed by a tag, a `kind` or an annotation",
} as const;

export type LinkClass = keyof typeof LINK_CLASSES;

/** The class of an edge; `isCosign` tells whether cosign would take the referrer for its own. */
export function classOf(edge: ReferrerEdge, isCosign = false): LinkClass {
  if (!edge.verified) return edge.link === "S" ? "absent" : "absent-bare";
  if (edge.link === "N") return isCosign ? "cosign" : "bare";
  if (edge.legacy === true && edge.referrer.mediaType.includes("cncf.oras")) return "oras-artifact";
  return isCosign ? "cosign-subject" : "subject";
}

/** What stops a whole conversion. */
export const REFUSALS = {
  "list-too-large": "a subject has so many referrers that their list would pass 8 MiB, which tools refuse to read",
  "tag-taken": "the tag that it needs holds something else",
  rivals: "two manifests would need one and the same place, and nothing tells which is to have it",
  "several-roots": "the layout does not hold exactly one image",
  "no-name": "an image that has referrers has no tag, or one that another image has too",
} as const;

export type RefusalReason = keyof typeof REFUSALS;

interface TargetRow {
  /** Why each class of link cannot be recorded; what is not named can be. */
  readonly inexpressible: Partial<Record<LinkClass, Loss["reason"]>>;
  /** Why single links may be left out although their class can be recorded. */
  readonly sometimes: readonly Loss["reason"][];
  readonly refusals: readonly RefusalReason[];
  readonly writesLists: boolean;
}

interface SourceRow {
  readonly classes: readonly LinkClass[];
  /** What `only` does with its records once another convention holds their links. */
  readonly withdrawal: string;
}

/** Conventions that no conversion has as its target, and why. */
export const NEVER_TARGETS: Partial<Record<ConventionId, string>> = {
  buildkit: "putting referrers into an image index gives the index a new digest",
  unlisted: "garbage collectors delete a manifest that nothing in index.json leads to",
};

const S_CLASSES = ["subject", "cosign-subject", "oras-artifact"] as const;
const NO_SUBJECT = { cosign: "no-subject", bare: "no-subject", "absent-bare": "no-subject" } as const;
const NOT_THERE = { absent: "unverified", "absent-bare": "unverified" } as const;
const NOT_COSIGN = { subject: "no-form", bare: "no-form", "oras-artifact": "no-form" } as const;
const LIST: TargetRow = { inexpressible: NO_SUBJECT, sometimes: [], refusals: ["list-too-large"], writesLists: true };

const ORAS_LOSSES = { "oras-artifact": "legacy-type", absent: "unverified", ...NO_SUBJECT } as const;

/** What each convention can record. */
export const TARGET_ROWS: Readonly<Partial<Record<ConventionId, TargetRow>>> = {
  oras: { inexpressible: ORAS_LOSSES, sometimes: [], refusals: [], writesLists: false },
  containerd: { inexpressible: NOT_THERE, sometimes: [], refusals: [], writesLists: false },
  regclient: { ...LIST, refusals: ["list-too-large", "tag-taken"] },
  olareg: LIST,
  "image-spec": LIST,
  "cosign-tags": {
    inexpressible: { ...NOT_COSIGN, ...NOT_THERE },
    sometimes: ["taken"],
    refusals: ["tag-taken", "rivals"],
    writesLists: false,
  },
  "cosign-save": {
    inexpressible: { ...NOT_COSIGN, ...NOT_THERE },
    sometimes: ["not-root", "no-form", "taken"],
    refusals: ["several-roots", "rivals"],
    writesLists: false,
  },
  hauler: {
    inexpressible: { bare: "no-form", ...NOT_THERE },
    sometimes: ["not-root", "taken"],
    refusals: ["no-name", "rivals"],
    writesLists: false,
  },
  universal: { inexpressible: ORAS_LOSSES, sometimes: [], refusals: ["list-too-large", "tag-taken"], writesLists: true },
};

const PLAIN_RECORDS = "its entries and marks go, where they hold nothing else";

/** What each convention's records state. */
export const SOURCE_ROWS: Readonly<Record<ConventionId, SourceRow>> = {
  oras: { classes: S_CLASSES, withdrawal: PLAIN_RECORDS },
  containerd: { classes: [...S_CLASSES, "cosign", "bare", "absent"], withdrawal: PLAIN_RECORDS },
  regclient: { classes: [...S_CLASSES, "absent"], withdrawal: PLAIN_RECORDS },
  olareg: { classes: [...S_CLASSES, "absent"], withdrawal: PLAIN_RECORDS },
  "image-spec": { classes: [...S_CLASSES, "absent"], withdrawal: PLAIN_RECORDS },
  buildkit: { classes: [...S_CLASSES, "bare", "absent"], withdrawal: "everything stays: the index may be signed" },
  "cosign-tags": {
    classes: ["cosign", "cosign-subject", "absent-bare"],
    withdrawal: "everything stays: a tag is never taken",
  },
  "cosign-save": {
    classes: ["cosign", "cosign-subject", "absent-bare"],
    withdrawal: "its `kind` annotations go, and entries that hold nothing else",
  },
  hauler: {
    classes: [...S_CLASSES, "cosign", "absent-bare"],
    withdrawal: "its entries of referrers go, or lose what hauler put on them, and so does the `kind` of their image",
  },
  unlisted: { classes: S_CLASSES, withdrawal: "there is nothing to withdraw" },
  universal: { classes: S_CLASSES, withdrawal: PLAIN_RECORDS },
};

/** What recording the links of one convention in another takes. */
export interface GridCell {
  /** `same`: recorded so already; `index-only`: `index.json` changes; `writes-lists`: new blobs too; `never`: not a target. */
  readonly effect: "same" | "index-only" | "writes-lists" | "never";
  /** Classes of link that the source can hold and the target cannot: they stay, and are reported. */
  readonly inexpressible: readonly { readonly linkClass: LinkClass; readonly reason: Loss["reason"] }[];
  /** Further reasons for which single links may stay. */
  readonly sometimes: readonly Loss["reason"][];
  readonly refusals: readonly RefusalReason[];
}

const LISTS: ReadonlySet<ConventionId> = new Set(["regclient", "olareg", "image-spec", "universal"]);
const UNIVERSAL: ReadonlySet<ConventionId> = new Set([...LISTS, "oras", "containerd"]);

/** What can be said beforehand of converting records of `from` to `to`. */
export function gridCell(from: ConventionId, to: ConventionId): GridCell {
  const row = TARGET_ROWS[to];
  if (row === undefined) return { effect: "never", inexpressible: [], sometimes: [], refusals: [] };
  const { classes } = SOURCE_ROWS[from];
  const isSame = from === to || (from === "universal" && UNIVERSAL.has(to));
  const losses = classes.flatMap((linkClass) => {
    const reason = row.inexpressible[linkClass];
    // What a convention has recorded itself it goes on recording, whether it can be verified or not.
    return reason === undefined || (isSame && reason === "unverified") ? [] : [{ linkClass, reason }];
  });
  if (isSame) return { effect: "same", inexpressible: losses, sometimes: [], refusals: [] };
  return {
    // A list that is right serves under another convention's mark as well.
    effect: row.writesLists && !LISTS.has(from) ? "writes-lists" : "index-only",
    inexpressible: losses,
    sometimes: row.sometimes,
    refusals: row.refusals,
  };
}

/** Why `target` cannot record a link of that class, or undefined if it can. */
export function inexpressible(target: ConventionId, linkClass: LinkClass): Loss["reason"] | undefined {
  return TARGET_ROWS[target]?.inexpressible[linkClass];
}
