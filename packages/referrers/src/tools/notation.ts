import { type Digest, EMPTY_JSON } from "@ocilot/layout/spec";
import type { ReaderTool } from "./reader-tool.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";
import { orasTool } from "./oras.js";

const NOTARY = "application/vnd.cncf.notary.signature";
const MAX_SIGNATURE_MANIFEST = 4 * 1024 * 1024;

/**
 * `notation list` on a directory. It opens the layout as oras does, and of what refers to the subject it takes
 * signatures only: 1.0 tells them by the config's media type, later ones by the artifact type over an empty config.
 */
export const notationTool: ReaderTool = {
  id: "notation",
  title: "notation 1.3.2",

  async finds(view, subject) {
    const known = await nodesOf(view);
    const nodes = (await orasTool.finds(view, subject)).flatMap((digest) => known.get(digest) ?? []);
    // One manifest over the limit fails the whole query, even if it is no signature.
    if (nodes.some((n) => n.descriptor.size > MAX_SIGNATURE_MANIFEST)) return [];
    return nodes.filter(isSignature).map((n) => n.descriptor.digest);
  },

  async traps(view) {
    return await orasTool.traps(view);
  },
};

function isSignature(node: ManifestNode): boolean {
  const manifest = manifestOf(node);
  if (manifest?.artifactType !== NOTARY) return false;
  if (manifest.kind === "artifact") return true;
  return manifest.kind === "image" && (manifest.config?.mediaType === NOTARY || manifest.config?.mediaType === EMPTY_JSON);
}

const byDigest = new WeakMap<LayoutView, Map<Digest, ManifestNode>>();

async function nodesOf(view: LayoutView): Promise<Map<Digest, ManifestNode>> {
  let nodes = byDigest.get(view);
  if (nodes === undefined) {
    const read = (await view.reach()).filter((r) => r.node.state === "read");
    byDigest.set(view, (nodes = new Map(read.map(({ node }) => [node.descriptor.digest, node]))));
  }
  return nodes;
}
