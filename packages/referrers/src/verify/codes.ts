/** How much a finding weighs: an error fails a verification, a warning only with `strict`, an info never. */
export type Severity = "error" | "warning" | "info";

/** What the table in docs/findings.md says of a code. */
export interface FindingRow {
  readonly severity: Severity;
  /** What it means, as one sentence. */
  readonly meaning: string;
  /** What mends it; `LAYOUT` stands for the layout. Empty where there is nothing to mend. */
  readonly fix: string;
}

/** The codes of findings; stable, so that a script may rely on them. */
export type FindingCode =
  | "BLOB_MISSING"
  | "BLOB_CORRUPT"
  | "SIZE_MISMATCH"
  | "MEDIA_TYPE_MISMATCH"
  | "DATA_MISMATCH"
  | "SUBJECT_MISMATCH"
  | "REFERRER_UNLISTED"
  | "UNREADABLE"
  | "ALGORITHM_UNSUPPORTED"
  | "SUBJECT_DANGLING"
  | "RECORD_STALE"
  | "RECORD_CONFLICT"
  | "TAG_DUPLICATE"
  | "UNREFERENCED_BLOB"
  | "LEFTOVER_FILE"
  | "INDEX_QUIRK"
  | "LAYOUT_VERSION"
  | "PERMISSION"
  | "SPARSE_PLATFORM"
  | "FOREIGN_LAYER"
  | "SUBJECT_NOT_LISTED"
  | "LINK_NOTE"
  | "FOREIGN_FILE"
  | "REQUIREMENT_REFERRER"
  | "REQUIREMENT_DANGLING"
  | "REQUIREMENT_ALGORITHM"
  | "REQUIREMENT_TOOL"
  | "REQUIREMENT_NOTHING"
  | "RECEIPT_LOST"
  | "RECEIPT_ADDED"
  | "RECEIPT_CHANGED";

const REPAIR = "ocilot repair LAYOUT --from OTHER";
const REBUILD = "ocilot repair LAYOUT";
const COPY_AGAIN = "ocilot copy SOURCE LAYOUT";

const row = (severity: Severity, meaning: string, fix: string): FindingRow => ({ severity, meaning, fix });

/** Every finding that a verification can make. A new one is a line here, a test that produces it, and a line in docs/findings.md. */
export const FINDINGS: Readonly<Record<FindingCode, FindingRow>> = {
  BLOB_MISSING: row("error", "A blob that something names is not in the layout.", REPAIR),
  BLOB_CORRUPT: row("error", "The content of a blob does not have the digest that is its name.", REPAIR),
  SIZE_MISMATCH: row(
    "error",
    "The blob is whole, and a descriptor states another size: most tools refuse it.",
    "fetch what bears the wrong descriptor again",
  ),
  MEDIA_TYPE_MISMATCH: row(
    "error",
    "A descriptor states another media type than the manifest that it names.",
    "fetch what bears the wrong descriptor again",
  ),
  DATA_MISMATCH: row(
    "error",
    "The `data` of a descriptor is not the content that the descriptor names.",
    "fetch what bears the wrong descriptor again",
  ),
  SUBJECT_MISMATCH: row(
    "error",
    "A referrer states another size or media type than its subject has: oras loses the link, or the whole layout.",
    "attach it again",
  ),
  REFERRER_UNLISTED: row(
    "error",
    "A referrer lies in blobs/ and nothing leads to it: tools do not see it, and collectors delete it.",
    REBUILD,
  ),
  UNREADABLE: row("error", "A file cannot be read, or is not the document that it should be.", REPAIR),
  ALGORITHM_UNSUPPORTED: row(
    "error",
    "A digest is of an algorithm that ocilot cannot compute, so that nothing proves the content.",
    "fetch it under a sha256 digest",
  ),
  SUBJECT_DANGLING: row(
    "warning",
    "The subject of a referrer is not in the layout.",
    "ocilot copy SOURCE LAYOUT, or ocilot gc LAYOUT --prune-dangling",
  ),
  RECORD_STALE: row("warning", "A record of a convention that the layout speaks is missing, out of date or not exact.", REBUILD),
  RECORD_CONFLICT: row(
    "warning",
    "Records contradict each other or the manifest; tools follow different ones.",
    "ocilot convert LAYOUT --to universal",
  ),
  TAG_DUPLICATE: row(
    "warning",
    "One tag stands on two entries of index.json; which one a tool takes is chance.",
    "ocilot tag LAYOUT@DIGEST TAG",
  ),
  UNREFERENCED_BLOB: row("warning", "A blob that nothing names; its content was not looked at.", "ocilot gc LAYOUT"),
  LEFTOVER_FILE: row(
    "warning",
    "A temporary file that an interrupted program left behind.",
    "ocilot repair LAYOUT for those of ocilot; remove others when no tool is at work",
  ),
  INDEX_QUIRK: row(
    "warning",
    "index.json is read differently by different tools, and ocilot does not write it.",
    "restore index.json from the source of the layout",
  ),
  LAYOUT_VERSION: row("warning", "oci-layout states a version that is not 1.0.0; some tools then start from an empty index.", COPY_AGAIN),
  PERMISSION: row("warning", "Files that only their owner can read.", "chmod -R a+rX LAYOUT"),
  SPARSE_PLATFORM: row("info", "A platform that a copy left out on purpose, as the entry of the tag records.", ""),
  FOREIGN_LAYER: row("info", "A layer that is not in the layout and names the place to fetch it from.", ""),
  SUBJECT_NOT_LISTED: row(
    "info",
    "A subject has no entry of its own in index.json: oras finds its referrers by tag or platform only, not by digest.",
    "ocilot convert LAYOUT --to oras",
  ),
  LINK_NOTE: row("info", "Something odd about a link that breaks nothing.", ""),
  FOREIGN_FILE: row("info", "A file that image-layout does not know; every tool must leave it alone.", ""),
  REQUIREMENT_REFERRER: row(
    "error",
    "An image or a platform lacks a referrer that the policy requires.",
    "ocilot attach, or copy it again",
  ),
  REQUIREMENT_DANGLING: row("error", "The subject of a referrer is not in the layout, and the policy forbids that.", COPY_AGAIN),
  REQUIREMENT_ALGORITHM: row("error", "A digest is of an algorithm that the policy does not allow.", ""),
  REQUIREMENT_TOOL: row("error", "A program that the policy names would not find a referrer.", "ocilot convert LAYOUT --to universal"),
  REQUIREMENT_NOTHING: row("error", "The policy requires something of images, and there is none.", ""),
  RECEIPT_LOST: row("error", "The receipt names something that the layout does not hold.", REPAIR),
  RECEIPT_ADDED: row("error", "The layout holds something that the receipt does not name.", ""),
  RECEIPT_CHANGED: row("error", "A tag names something else than the receipt says.", "ocilot tag LAYOUT@DIGEST TAG"),
};
