import { type Digest, KIND } from "@ocilot/layout/spec";
import { COSIGN_PREFIX } from "../view/entry-kind.js";
import { isSigstoreBundle } from "../view/sigstore-bundle.js";
import type { ReaderTool } from "./reader-tool.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";

/**
 * `cosign verify --local-image`. It knows one image or image index, the first entry that `kind` calls so, and only that
 * can be asked about. Signatures are the entries that `kind` calls so, and, of an image but not of an index, every blob
 * that is a manifest with a `subject` and a bundle among its layers, listed or not.
 */
export const cosignTool: ReaderTool = {
  id: "cosign",
  title: "cosign 3.1 verify --local-image",

  async finds(view, subject) {
    const isImage = firstOf(view, "image") === subject;
    if (!isImage && firstOf(view, "imageIndex") !== subject) return [];
    const attached = ["sigs", "atts"].flatMap((role) => firstOf(view, role) ?? []);
    if (!isImage) return attached;
    const bundles = (await blobsOf(view))
      .filter((n) => isSigstoreBundle(manifestOf(n)) && manifestOf(n)?.subject?.digest === subject)
      .map((n) => n.descriptor.digest);
    return [...new Set([...attached, ...bundles])];
  },

  async traps(view) {
    if (firstOf(view, "image") !== undefined || firstOf(view, "imageIndex") === undefined) return [];
    return [
      {
        severity: "warns",
        message:
          "the image is an index, and cosign 3.1 finds no signature bundles of an index in a directory: verify it in a registry (ocilot copy, then cosign verify), or copy one signed platform by its digest",
      },
    ];
  },
};

function firstOf(view: LayoutView, role: string): Digest | undefined {
  return view.entries.find((e) => e.descriptor.annotations?.[KIND] === COSIGN_PREFIX + role)?.descriptor.digest;
}

/** What it finds by reading the blobs. Only sha256 ones: it looks into no other directory. */
async function blobsOf(view: LayoutView): Promise<ManifestNode[]> {
  const reached = (await view.reach()).map((r) => r.node);
  return [...reached, ...(await view.unlisted())].filter((n) => n.descriptor.digest.startsWith("sha256:"));
}
