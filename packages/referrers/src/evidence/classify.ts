import { type Manifest, manifestKind } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../graph/edge.js";
import { classOfMediaType } from "./media-type-classes.js";
import { annotatedPredicate } from "./predicate-annotations.js";
import type { Classification, Statement } from "./statement.js";
import type { BlobPeek, OpenStatementsOptions } from "./wrapping.js";
import { wrappingOf } from "./wrappings/registry.js";

/**
 * What a referrer states, as its manifest alone tells it: no blob is read. A BuildKit attestation, a cosign signature tag and
 * the like hold several statements.
 * @example
 * ```ts
 * import { Layout, parseManifest } from "@ocilot/layout";
 * import { classifyManifest, listReferrers } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * for await (const { descriptor } of listReferrers(layout, image.digest)) {
 *   const manifest = parseManifest(await layout.blobs.bytes(descriptor), descriptor.mediaType, descriptor.digest);
 *   console.log(classifyManifest(manifest).map(({ kind }) => kind));
 * }
 * ```
 */
export function classifyManifest(manifest: Manifest): readonly Classification[] {
  return wrappingOf(manifest).classify(manifest);
}

/**
 * As {@link classifyManifest}, for a referrer whose manifest cannot be read: all that there is, is a record's artifact type.
 * @example
 * ```ts
 * import { classifyArtifactType } from "@ocilot/referrers";
 *
 * console.log(classifyArtifactType("application/spdx+json")[0]?.kind); // sbom
 * ```
 */
export function classifyArtifactType(artifactType: string | undefined): readonly Classification[] {
  return [{ wrapping: "layer", ...classOfMediaType(artifactType ?? "") }];
}

const listed = new Map<string, readonly Classification[] | undefined>();
const MAX_LISTED = 1000;
/** The line that was classified last: most lines of a list say the same. */
let last:
  | { mediaType: string; artifactType: string; predicate: string | undefined; told: readonly Classification[] | undefined }
  | undefined;

/**
 * As {@link classifyManifest}, for a referrer of which only a list was read; undefined where artifact type and annotations do not tell
 * the kind. No layer is known, and a format only if the type names it.
 */
export function classifyListed({ referrer, artifactType = "", annotations }: ReferrerEdge): readonly Classification[] | undefined {
  const { mediaType } = referrer;
  const predicate = annotatedPredicate(annotations);
  if (last?.mediaType === mediaType && last.artifactType === artifactType && last.predicate === predicate) return last.told;
  // All that a manifest without layers is judged by.
  const key = JSON.stringify([mediaType, artifactType, predicate]);
  let told = listed.get(key);
  if (told === undefined && !listed.has(key)) {
    told = classifyLine(mediaType, artifactType, annotations);
    if (listed.size < MAX_LISTED) listed.set(key, told);
  }
  last = { mediaType, artifactType, predicate, told };
  return told;
}

function classifyLine(
  mediaType: string,
  artifactType: string,
  annotations: Manifest["annotations"],
): readonly Classification[] | undefined {
  const kind = manifestKind(mediaType);
  if (kind === undefined || artifactType === "") return undefined;
  const told = classifyManifest({ kind, mediaType, artifactType, annotations, layers: [], manifests: [], ignored: [] });
  return told.every((c) => c.kind !== "other" && (c.kind !== "attestation" || c.predicateType !== undefined)) ? told : undefined;
}

/**
 * What a referrer states, as its content tells it. Signatures are read, never verified. Whatever the content is, the
 * result is at least one statement: what cannot be opened has a note that says why.
 * @example
 * ```ts
 * import { Layout, parseManifest } from "@ocilot/layout";
 * import { listReferrers, openStatements, peekInto } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * for await (const { descriptor } of listReferrers(layout, image.digest)) {
 *   const manifest = parseManifest(await layout.blobs.bytes(descriptor), descriptor.mediaType, descriptor.digest);
 *   for (const { kind, format } of await openStatements(manifest, peekInto(layout.blobs))) console.log(kind, format);
 * }
 * ```
 */
export async function openStatements(
  manifest: Manifest,
  blobs: BlobPeek,
  options: OpenStatementsOptions = {},
): Promise<readonly Statement[]> {
  return await wrappingOf(manifest).open(manifest, blobs, options);
}
