import { ATTACH_AGAIN, ATTACH_AS_ONE } from "./attach-again.js";
/** The severity of a finding: an error fails a verification, a warning only with `strict`, an info never. */
export type Severity = "error" | "warning" | "info";

/** A row of the table in docs/findings.md. */
export interface FindingRow {
  readonly severity: Severity;
  /** Its meaning, one sentence. */
  readonly meaning: string;
  /** The command that fixes it, with the placeholders of `fillIn`. Empty where there is nothing to fix. */
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
  | "ACCESS_DENIED"
  | "BLOB_EMBEDDED"
  | "ALGORITHM_UNSUPPORTED"
  | "SUBJECT_DANGLING"
  | "RECORD_STALE"
  | "RECORD_CONFLICT"
  | "TAG_DUPLICATE"
  | "UNREFERENCED_BLOB"
  | "LEFTOVER_FILE"
  | "INDEX_QUIRK"
  | "LAYOUT_VERSION"
  | "LAYOUT_FORM"
  | "PERMISSION"
  | "SPARSE_PLATFORM"
  | "FOREIGN_LAYER"
  | "SUBJECT_NOT_LISTED"
  | "MANIFEST_LARGE"
  | "LINK_NOTE"
  | "FOREIGN_FILE"
  | "STATEMENT_SUBJECT"
  | "STATEMENT_MALFORMED"
  | "STATEMENT_NOTE"
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
/** An entry stays as it is where the layout has its manifest. */
const COPY_NEW = "ocilot copy SOURCE NEW";
const COPY_AGAIN = "ocilot copy SOURCE LAYOUT";

const row = (severity: Severity, meaning: string, fix: string): FindingRow => ({ severity, meaning, fix });

/** Every finding that a verification can make. A new one needs a row here, a test that produces it, and a row in docs/findings.md. */
export const FINDINGS: Readonly<Record<FindingCode, FindingRow>> = {
  BLOB_MISSING: row("error", "A referenced blob is not in the layout.", REPAIR),
  BLOB_CORRUPT: row("error", "The content of a blob does not match its digest.", REPAIR),
  SIZE_MISMATCH: row("error", "The blob is whole, but a descriptor states another size: most tools refuse it.", REBUILD),
  MEDIA_TYPE_MISMATCH: row("error", "A descriptor states another media type than its manifest has.", COPY_NEW),
  DATA_MISMATCH: row("error", "The `data` of a descriptor is not the content that the descriptor names.", COPY_NEW),
  SUBJECT_MISMATCH: row(
    "error",
    "A referrer states another size or media type than its subject has: oras loses the link or refuses the layout.",
    ATTACH_AGAIN,
  ),
  REFERRER_UNLISTED: row(
    "error",
    "A referrer is in blobs/, but no record lists it: tools do not see it, and other collectors delete it.",
    REBUILD,
  ),
  UNREADABLE: row("error", "A file cannot be read, or is not the document that it should be.", REPAIR),
  ACCESS_DENIED: row("error", "The system does not let this user read a file. This is not damage.", "chmod -R u+rwX LAYOUT"),
  ALGORITHM_UNSUPPORTED: row(
    "error",
    "A digest uses an algorithm that ocilot cannot compute, so the content is not checked.",
    "fetch it under a sha256 digest",
  ),
  BLOB_EMBEDDED: row(
    "warning",
    "A blob is not in the layout, but a descriptor of it embeds the content as `data`: some tools do not read it from there.",
    REBUILD,
  ),
  SUBJECT_DANGLING: row("warning", "The subject of a referrer is not in the layout.", COPY_AGAIN),
  RECORD_STALE: row("warning", "A record of a convention in use is missing, out of date or not exact.", REBUILD),
  RECORD_CONFLICT: row(
    "warning",
    "Records contradict each other or the manifest; tools follow different ones.",
    "ocilot convert LAYOUT --to universal",
  ),
  TAG_DUPLICATE: row(
    "warning",
    "One tag is on two entries of index.json; tools differ in which one they take.",
    "ocilot tag LAYOUT@DIGEST NAME",
  ),
  UNREFERENCED_BLOB: row("warning", "A blob that nothing references; its content was not checked.", "ocilot gc LAYOUT"),
  LEFTOVER_FILE: row("warning", "A temporary file that an interrupted program left behind.", REBUILD),
  INDEX_QUIRK: row("warning", "Tools read index.json differently, and ocilot does not write it.", "ocilot copy --all LAYOUT NEW"),
  LAYOUT_VERSION: row("warning", "oci-layout states a version other than 1.0.0; some tools then start from an empty index.", COPY_AGAIN),
  LAYOUT_FORM: row(
    "warning",
    "Not in the form that other tools expect: no oci-layout, a docker archive, a folder around the layout, files of macOS, no end mark.",
    "ocilot copy --all LAYOUT NEW.tar",
  ),
  PERMISSION: row("warning", "Files that only their owner can read.", "chmod -R a+rX LAYOUT"),
  SPARSE_PLATFORM: row(
    "info",
    "A platform that is missing by design: a copy or export took other platforms. An error with --require-complete, and with --strict unless a copy noted it.",
    "",
  ),
  FOREIGN_LAYER: row("info", "A layer that is not distributed with the image; its descriptor names the URL to download it from.", ""),
  SUBJECT_NOT_LISTED: row(
    "info",
    "A subject has no entry of its own in index.json: oras finds its referrers by tag or platform only, not by digest.",
    "ocilot convert LAYOUT --to oras",
  ),
  MANIFEST_LARGE: row("warning", "A manifest over 4 MiB, which oras and most registries refuse.", ATTACH_AS_ONE),
  LINK_NOTE: row("info", "An unusual link that breaks nothing.", ""),
  FOREIGN_FILE: row("info", "A file that is not part of an OCI image layout; every tool must leave it alone.", ""),
  STATEMENT_SUBJECT: row(
    "error",
    "A signature or attestation names another digest than the manifest that it is attached to.",
    "sign or attest the manifest again, or attach the statement to the manifest that it names",
  ),
  STATEMENT_MALFORMED: row(
    "warning",
    "The content of a signature or attestation does not have the format that its media type names.",
    "sign or attest the image again with the tool that did it (cosign sign, cosign attest, notation sign)",
  ),
  STATEMENT_NOTE: row("info", "Something unusual in the content of a referrer that breaks nothing.", ""),
  REQUIREMENT_REFERRER: row(
    "error",
    "An image or a platform lacks a referrer that the policy requires.",
    "attach the missing artifact with ocilot attach, or copy the image again with its referrers",
  ),
  REQUIREMENT_DANGLING: row("error", "The subject of a referrer is not in the layout, and the policy forbids that.", COPY_AGAIN),
  REQUIREMENT_ALGORITHM: row("error", "A digest uses an algorithm that the policy does not allow.", ""),
  REQUIREMENT_TOOL: row("error", "A tool that the policy names would not find a referrer.", "ocilot convert LAYOUT --to universal"),
  REQUIREMENT_NOTHING: row("error", "The policy requires referrers of images, but the layout has no image.", ""),
  RECEIPT_LOST: row("error", "The layout lacks something that the receipt lists.", COPY_AGAIN),
  RECEIPT_ADDED: row("error", "The layout has something that the receipt does not list.", ""),
  RECEIPT_CHANGED: row("error", "A tag points to another manifest than the receipt says.", "ocilot tag LAYOUT@DIGEST TAG"),
};
