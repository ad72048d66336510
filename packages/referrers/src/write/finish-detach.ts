import type { Digest, Layout, WriteOptions } from "@ocilot/layout/web";
import { detachedDigests, detachedEdit } from "../view/detached.js";
import { openView } from "../view/open-view.js";

/**
 * Deletes these manifests, and those that an interrupted `detach` has taken out of every record, and forgets about them. One
 * that is referenced again is kept. A crash leaves some of them deleted; the next `detach` or `gc` does the rest.
 */
export async function finishDetach(layout: Layout, own: readonly Digest[], options: WriteOptions): Promise<void> {
  await layout.index.update(async (snapshot) => {
    const detached = new Set([...detachedDigests(snapshot.annotations), ...own]);
    const view = await openView(layout, { snapshot, strict: true });
    const reachable = new Set<Digest>((await view.reach()).map((r) => r.node.descriptor.digest));
    for (const digest of detached) if (!reachable.has(digest)) await layout.blobs.delete(digest);
    return [detachedEdit([])];
  }, options);
}
