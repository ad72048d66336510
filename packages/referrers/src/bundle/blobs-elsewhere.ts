import type { Digest, Layout } from "@ocilot/layout";
import { BUNDLE_FILE, MAX_BUNDLE_DOCUMENT, parseBundleDocument } from "./bundle-document.js";

/**
 * Returns the blobs that a file of a bundle leaves to other parts or to the destination; empty for any other layout.
 * @throws OcilotError `DOCUMENT_INVALID` for a damaged description
 * @example
 * ```ts
 * import { openLayout } from "@ocilot/layout";
 * import { blobsElsewhere } from "@ocilot/referrers";
 *
 * const part = await openLayout("./images.tar");
 * console.log((await blobsElsewhere(part)).size, "blobs are in other parts or at the destination");
 * await part.close();
 * ```
 */
export async function blobsElsewhere(layout: Pick<Layout, "extraFiles" | "location">): Promise<ReadonlySet<Digest>> {
  const { extraFiles, location } = layout;
  const file = extraFiles.get(BUNDLE_FILE);
  if (file === undefined) return new Set();
  const { absent, parts, part } = parseBundleDocument(await file.bytes(MAX_BUNDLE_DOCUMENT), `${location}: ${BUNDLE_FILE}`);
  const others = parts.flatMap((p, i) => [...(i + 1 === part ? [] : p.blobs), ...(p.piece === undefined ? [] : [p.piece])]);
  return new Set([...absent, ...others].map((b) => b.digest));
}
