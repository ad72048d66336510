import { type Descriptor, type IndexEntry, type Layout } from "@ocilot/layout/web";
import { describeBlobs } from "./describe-blobs.js";
import { DigestSearch } from "./named-digests.js";

const INDEX_MEMBERS: ReadonlySet<string> = new Set(["schemaVersion", "mediaType", "artifactType", "manifests", "annotations"]);
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
export async function extensionContent(layout: Layout, entries: readonly IndexEntry[]): Promise<Descriptor[]> {
  // What a registry lists is no document.
  if (!layout.keepsEntries) return [];
  const { text } = await layout.index.read();
  const others = [
    unknownOf(JSON.parse(text) as Record<string, unknown>, INDEX_MEMBERS),
    ...entries.map((e) => unknownOf(e.descriptor as unknown as Record<string, unknown>, ENTRY_MEMBERS)),
  ].filter((members) => members.length > 0);
  if (others.length === 0) return [];
  const search = new DigestSearch();
  search.add(new TextEncoder().encode(JSON.stringify(others)));
  return await describeBlobs(layout, search.found);
}

function unknownOf(record: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): unknown[] {
  const unknown: unknown[] = [];
  for (const key in record) if (!known.has(key)) unknown.push(record[key]);
  return unknown;
}
