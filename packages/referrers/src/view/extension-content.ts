import type { Descriptor, Layout } from "@ocilot/layout/web";
import { describeBlobs } from "./describe-blobs.js";
import type { LayoutView } from "./layout-view.js";
import { DigestSearch } from "./named-digests.js";

const ENTRY_MEMBERS: ReadonlySet<string> = new Set([
  "mediaType",
  "digest",
  "size",
  "urls",
  "annotations",
  "data",
  "artifactType",
  "platform",
]);

/**
 * Returns the present blobs that `index.json` names beside its entries: in members that the specification allows and does not describe, of
 * the document and of entries, and as its own subject.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/considerations.md#extensibility
 */
export async function extensionContent(layout: Layout, { otherMembers, entries }: LayoutView): Promise<Descriptor[]> {
  const others: unknown[] = otherMembers === undefined ? [] : [otherMembers];
  for (const { descriptor } of entries)
    for (const key in descriptor) if (!ENTRY_MEMBERS.has(key)) others.push(descriptor[key as keyof Descriptor]);
  if (others.length === 0) return [];
  const search = new DigestSearch();
  search.add(new TextEncoder().encode(JSON.stringify(others)));
  return await describeBlobs(layout, search.found);
}
