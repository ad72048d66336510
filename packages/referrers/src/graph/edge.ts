import type { Descriptor, Digest, EntryOrigin } from "@ocilot/layout/spec";

/** The ids of the built-in conventions. */
export type BuiltInConventionId =
  | "oras"
  | "regclient"
  | "olareg"
  | "containerd"
  | "image-spec"
  | "buildkit"
  | "cosign-tags"
  | "cosign-save"
  | "hauler"
  | "unlisted"
  | "universal";

/** The id of a convention, used wherever one is named. One that is not built in has a namespace: `example.org/links`. */
export type ConventionId = BuiltInConventionId | `${string}/${string}`;

/** The place where a convention records a link. */
export interface LinkEvidence {
  readonly convention: ConventionId;
  /** The entry of `index.json` that says so, or that leads to what says so. */
  readonly position?: number;
  /** The list or image index that names the referrer, if it is not `index.json` itself. */
  readonly within?: Digest;
  /** In a repository of a registry: what names the referrer there. */
  readonly origin?: EntryOrigin["by"];
}

/**
 * One link, subject ← referrer.
 *
 * `link` is `"S"` where the referrer's manifest carries `subject`, whose bytes are the authority, and `"N"` where the
 * link exists only as an annotation, a tag name or a `kind`. `verified` is false where the manifest could not be read, or
 * was not opened because a list is taken at its word; the edge then holds what the record says.
 */
export interface ReferrerEdge {
  readonly subject: Digest;
  /** The subject as the referrer describes it; on an N-edge there may be none. */
  readonly subjectDescriptor?: Descriptor;
  /** `mediaType`, `digest` and `size`, nothing else. */
  readonly referrer: Descriptor;
  readonly link: "S" | "N";
  readonly verified: boolean;
  /** The manifest is present and was not opened: a list says what the edge holds. Only where `verified` is false. */
  readonly unopened?: true;
  /** As distribution-spec 1.1 computes it: the manifest's own, else its config's media type. */
  readonly artifactType?: string;
  /** All annotations of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The manifest is of a kind that 1.1 withdrew: an OCI or ORAS artifact manifest. */
  readonly legacy?: true;
  readonly evidence: readonly LinkEvidence[];
}

/** Something about a layout that a person should know; `position` names the entry of `index.json` that it is about. */
export interface Problem {
  readonly code:
    | "STALE_LINE"
    | "FOREIGN_LINE"
    | "UNVERIFIED_LINE"
    | "UNREADABLE"
    | "AMBIGUOUS_LIST"
    | "DUPLICATE_LIST"
    | "TAG_COLLISION"
    | "SUBJECT_CONFLICT"
    | "INVALID_SUBJECT"
    | "SUBJECT_MISMATCH"
    | "SUBJECT_IGNORED"
    | "UNKNOWN_DIGEST_TAG"
    | "UNKNOWN_REFERENCE_TYPE"
    | "EMPTY_ARTIFACT_TYPE"
    | "AMBIGUOUS_PARENT"
    | "LEGACY_MEMBER"
    | "MANIFEST_LARGE"
    | "UNLISTED";
  readonly message: string;
  readonly position?: number;
  readonly digest?: Digest;
  /** The command that fixes it, where that depends on more than the code; with the placeholders of a fix. */
  readonly fix?: string;
}

/**
 * Returns true if the referrer is only in `blobs/` and not reachable from `index.json`.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { isUnlisted, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * for (const edge of graph.edges()) if (isUnlisted(edge)) console.log(edge.referrer.digest, "is not in index.json");
 * ```
 */
export function isUnlisted(edge: Pick<ReferrerEdge, "evidence">): boolean {
  return edge.evidence.some((e) => e.convention === "unlisted");
}

/**
 * The key that makes two statements the same edge.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { edgeKey, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * console.log(new Set([...graph.edges()].map(edgeKey)).size, "links");
 * ```
 */
export function edgeKey(edge: { readonly subject: Digest; readonly referrer: { readonly digest: Digest } }): string {
  return `${edge.subject} ${edge.referrer.digest}`;
}
