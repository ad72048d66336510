import type { Digest } from "@ocilot/layout/spec";
import { detachedDigests } from "../view/detached.js";
import type { LayoutView } from "../view/layout-view.js";
import { findLists } from "./referrer-lists.js";

/**
 * The lists of `before` that nothing in `after` references any more, so that their blobs can be deleted. A list is not
 * among them while it is the last to name some manifest that is not about to be deleted.
 */
export async function replacedLists(before: LayoutView, after: LayoutView): Promise<Digest[]> {
  const { records } = await findLists(before);
  const listed = new Set<Digest>(after.entries.map((e) => e.descriptor.digest));
  const leaving = records.filter((r) => !listed.has(r.entry.descriptor.digest));
  if (leaving.length === 0) return [];
  const reachable = new Set<Digest>((await after.reach()).map((r) => r.node.descriptor.digest));
  const named = new Set<Digest>([...reachable, ...detachedDigests(after.annotations)]);
  const replaced = leaving.filter(
    ({ entry, lines }) =>
      !reachable.has(entry.descriptor.digest) && lines.every(({ node }) => node.state === "absent" || named.has(node.descriptor.digest)),
  );
  return [...new Set(replaced.map((r) => r.entry.descriptor.digest))];
}
