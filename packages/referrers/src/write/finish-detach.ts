import type { Digest, Layout, WriteOptions } from "@ocilot/layout/web";
import { detachedDigests, detachedEdit } from "../view/detached.js";
import { openView } from "../view/open-view.js";
import { stillNamed } from "../view/still-named.js";

/**
 * Deletes these manifests, and those that an interrupted `detach` has taken out of every record, and forgets about them. One
 * that something names is kept, and all are left to a later run where that cannot be told. A crash leaves some of them deleted; the next
 * `detach` or `gc` does the rest.
 */
export async function finishDetach(layout: Layout, own: readonly Digest[], options: WriteOptions): Promise<void> {
  await layout.index.update(async (snapshot) => {
    const detached = new Set([...detachedDigests(snapshot.annotations), ...own]);
    if (detached.size === 0) return [];
    const view = await openView(layout, { snapshot, strict: true });
    const named = await stillNamed(layout, view, detached, options.signal);
    if (named === undefined) return [];
    for (const digest of detached) if (!named.has(digest)) await layout.blobs.delete(digest);
    return [detachedEdit([])];
  }, options);
}
