import { type Descriptor, type Layout, foreignMembers } from "@ocilot/layout/web";
import { describeBlobs } from "./describe-blobs.js";
import type { LayoutView } from "./layout-view.js";
import { DigestSearch } from "./named-digests.js";

/**
 * Returns the present blobs that `index.json` names beside its entries: in members that the specification allows and does not describe, of
 * the document and of entries, and as its own subject.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/considerations.md#extensibility
 */
export async function extensionContent(layout: Layout, { otherMembers, entries }: LayoutView): Promise<Descriptor[]> {
  const ofEntries = entries.flatMap((e) => foreignMembers(e.descriptor).map(([, value]) => value));
  const others = otherMembers === undefined ? ofEntries : [otherMembers, ...ofEntries];
  if (others.length === 0) return [];
  const search = new DigestSearch();
  search.add(new TextEncoder().encode(JSON.stringify(others)));
  return await describeBlobs(layout, search.found);
}
