import { type Layout, MAX_MANIFEST_BYTES, OcilotError, digestOf, editIndex, parseIndex } from "@ocilot/layout/web";
import type { NewBlob } from "../view/layout-view.js";
import type { Closure } from "./closure.js";
import type { RootEntry } from "./copied-entries.js";

/**
 * Returns a smaller index for a tag: the original's text without the children that were left out, every other byte unchanged.
 * It has a new digest, so no signature of the original covers it.
 * @throws OcilotError `USAGE` where there is no index to rewrite
 */
export async function rewriteRoot(source: Layout, root: RootEntry, closure: Closure): Promise<NewBlob> {
  const { descriptor } = root;
  const manifest = closure.manifests.get(descriptor.digest);
  if (manifest?.state !== "read" || manifest.manifest.manifests.length === 0) {
    throw new OcilotError("USAGE", `${descriptor.digest} is not an image index, so it cannot be rewritten`, {
      argument: "rewrite-index",
    });
  }
  const omitted = new Set(closure.omitted.map((d) => d.digest));
  const original = parseIndex(await source.blobs.bytes(descriptor, { maxBytes: MAX_MANIFEST_BYTES }), descriptor.digest);
  const gone = original.entries.filter((e) => omitted.has(e.descriptor.digest));
  const text = editIndex(
    original,
    gone.map(({ position }) => ({ op: "remove", position })),
  );
  const bytes = new TextEncoder().encode(text);
  return { text, descriptor: { ...descriptor, digest: digestOf(bytes), size: bytes.length } };
}
