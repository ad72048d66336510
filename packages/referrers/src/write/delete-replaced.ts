import type { Digest, IndexSnapshot, Layout, WriteOptions } from "@ocilot/layout/web";
import { openView } from "../view/open-view.js";

/** The time, by the clock of the blobs' file system, before which the lists to be replaced were stored; not asked where there are none. */
export async function timeBefore(layout: Layout, replaced: readonly Digest[]): Promise<number> {
  return replaced.length === 0 ? 0 : ((await layout.blobs.now?.()) ?? Date.now()) + 1;
}

/**
 * Deletes lists that a write has just replaced. It takes the lock, so that no other ocilot is about to use one again, and
 * spares a blob that was stored since `started`: a program without a lock may have stored it to reference it next.
 * @param written `index.json` as the write left it
 * @param started as {@link timeBefore} gave it before the write
 */
export async function deleteReplaced(
  layout: Layout,
  replaced: readonly Digest[],
  written: IndexSnapshot,
  started: number,
  options: WriteOptions,
): Promise<void> {
  if (replaced.length === 0) return;
  await layout.index.update(async (snapshot) => {
    const isSame = snapshot.digest === written.digest;
    const reached = isSame ? [] : await (await openView(layout, { snapshot, strict: true })).reach();
    const inUse = new Set<Digest>(reached.map((r) => r.node.descriptor.digest));
    for (const digest of replaced) if (!inUse.has(digest)) await layout.blobs.delete(digest, { before: started });
    return [];
  }, options);
}
