import { INDEX_FILE } from "../index-snapshot.js";
import type { Layout } from "../layout.js";
import { LAYOUT_VERSION, MARKER_FILE } from "../layout-marker.js";
import { OCTET_STREAM } from "../sniff.js";
import type { Descriptor } from "../spec/descriptor.js";
import { blobPath } from "../spec/digest.js";
import type { ArchiveMember } from "./tar-bytes.js";

/** Up to here reading at once is quicker than a stream. */
const SMALL_BYTES = 64 * 1024;

/**
 * The members of an archive of a layout, in their order: `oci-layout` and `index.json`, so that a reader knows at once
 * what it has, then `documents` and all blobs by name. Blobs are opened when their turn comes, and checked on their way.
 * @param documents more files, by name
 */
export async function layoutMembers(layout: Layout, documents: Readonly<Record<string, string>> = {}): Promise<ArchiveMember[]> {
  const { text } = await layout.index.read();
  const members = new Map<string, ArchiveMember>();
  const add = (member: ArchiveMember): void => void members.set(member.name, member);
  for (const [name, content] of Object.entries(documents)) add(document(name, content));
  add({ name: "blobs/", size: 0 });
  for await (const { digest, size } of layout.blobs.list()) {
    const name = blobPath(digest);
    add({ name: name.slice(0, name.lastIndexOf("/") + 1), size: 0 });
    const descriptor = { mediaType: OCTET_STREAM, digest, size };
    add({
      name,
      size,
      open: async () => await contentOf(layout, descriptor),
      blob: { descriptor, extent: async () => await layout.blobs.extent?.(descriptor) },
    });
  }
  const marker = document(MARKER_FILE, `{"imageLayoutVersion":"${LAYOUT_VERSION}"}`);
  return [marker, document(INDEX_FILE, text), ...[...members.values()].toSorted(byName)];
}

async function contentOf({ blobs }: Layout, d: Descriptor): Promise<Iterable<Uint8Array> | AsyncIterable<Uint8Array>> {
  return d.size <= SMALL_BYTES ? [await blobs.bytes(d)] : await blobs.open(d);
}

function document(name: string, content: string): ArchiveMember {
  const bytes = Buffer.from(content);
  return { name, size: bytes.length, open: () => [bytes] };
}

function byName(a: ArchiveMember, b: ArchiveMember): number {
  return a.name < b.name ? -1 : 1;
}
