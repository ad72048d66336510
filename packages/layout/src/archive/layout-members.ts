import { INDEX_FILE } from "../spec/index-snapshot.js";
import type { Layout } from "../layout.js";
import { LAYOUT_VERSION, MARKER_FILE } from "../spec/layout-marker.js";
import { OCTET_STREAM } from "../content/sniff-manifest.js";
import type { Descriptor } from "../spec/descriptor.js";
import { blobPath } from "../spec/digest.js";
import type { BlobReader } from "../storage.js";
import type { ArchiveMember } from "./tar-bytes.js";

/** Blobs up to this size are read at once, larger ones as a stream, in bytes. */
const SMALL_BYTES = 64 * 1024;

/**
 * Returns the members of an archive of a layout in their order: `oci-layout` and `index.json` first, so that a reader can tell at once what
 * it reads, then Docker's files and all blobs by name. A blob is opened when it is written, and checked then.
 * @param documents more files by name; they replace those of the layout
 * @example
 * ```ts
 * import { Layout, layoutMembers } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const members = await layoutMembers(layout);
 * console.log(members.map(({ name, size }) => `${name} ${size}`));
 * ```
 */
export async function layoutMembers(layout: Layout, documents: Readonly<Record<string, string>> = {}): Promise<ArchiveMember[]> {
  const { text } = await layout.index.read();
  const members = new Map<string, ArchiveMember>();
  const add = (member: ArchiveMember): void => void members.set(member.name, member);
  for (const [name, content] of Object.entries({ ...(await layout.dockerDocuments()), ...documents })) add(documentMember(name, content));
  add({ name: "blobs/", size: 0 });
  for await (const { digest, size } of layout.blobs.list()) {
    const name = blobPath(digest);
    add({ name: name.slice(0, name.lastIndexOf("/") + 1), size: 0 });
    add(blobMember(layout.blobs, { mediaType: OCTET_STREAM, digest, size }));
  }
  const marker = documentMember(MARKER_FILE, `{"imageLayoutVersion":"${LAYOUT_VERSION}"}`);
  return [marker, documentMember(INDEX_FILE, text), ...[...members.values()].toSorted(byName)];
}

/**
 * Returns the member that holds a blob. It is opened when its turn comes, and checked on its way.
 * @example
 * ```ts
 * import { blobMember, Layout } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const member = blobMember(layout.blobs, await layout.resolve("v1"));
 * console.log(member.name, member.size); // blobs/sha256/…
 * ```
 */
export function blobMember(blobs: BlobReader, descriptor: Descriptor): ArchiveMember {
  return {
    name: blobPath(descriptor.digest),
    size: descriptor.size,
    open: async () => (descriptor.size <= SMALL_BYTES ? [await blobs.bytes(descriptor)] : await blobs.open(descriptor)),
    blob: { descriptor, extent: async () => await blobs.extent?.(descriptor) },
  };
}

/**
 * Returns the member that holds a document.
 * @example
 * ```ts
 * import { documentMember } from "@ocilot/layout";
 *
 * const { name, size } = documentMember("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
 * console.log(name, size); // oci-layout 30
 * ```
 */
export function documentMember(name: string, content: string | Uint8Array): ArchiveMember {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return { name, size: bytes.length, open: () => [bytes] };
}

function byName(a: ArchiveMember, b: ArchiveMember): number {
  return a.name < b.name ? -1 : 1;
}
