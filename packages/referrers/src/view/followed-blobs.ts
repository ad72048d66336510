import {
  type Descriptor,
  type Digest,
  type DockerImages,
  type Layout,
  MAX_MANIFEST_BYTES,
  OcilotError,
  isOcilotError,
} from "@ocilot/layout/web";
import { SLICE, describeBlobs } from "./describe-blobs.js";
import { dockerManifests } from "./docker-manifests.js";
import type { LayoutView } from "./layout-view.js";
import { DigestSearch, mayNameBlobs } from "./named-digests.js";

/** A blob that another one names. */
export interface NamedBlob {
  readonly by: Descriptor;
  /** Present, and described by its content. */
  readonly named: Descriptor;
}

/** What a search found. */
export interface NamedBlobs {
  readonly links: readonly NamedBlob[];
  /** Blobs that could not be read: what they name is unknown. */
  readonly unreadable: readonly OcilotError[];
}

/** Returns the present blobs that some blobs name: content of media types that ocilot does not know is searched for digests. */
export async function blobsNamedBy(layout: Layout, blobs: readonly Descriptor[], signal?: AbortSignal): Promise<NamedBlobs> {
  const searched = blobs.filter((d) => mayNameBlobs(d.mediaType) && d.size > 0);
  const small = searched.filter((d) => d.size <= MAX_MANIFEST_BYTES);
  const links: { by: Descriptor; digest: Digest }[] = [];
  const unreadable: OcilotError[] = [];
  for (let start = 0; start < small.length; start += SLICE) {
    const slice = small.slice(start, start + SLICE);
    const read = await layout.blobs.bytesMany(slice, { maxBytes: MAX_MANIFEST_BYTES, ...(signal && { signal }) });
    for (const [i, bytes] of read.entries()) note(slice[i]!, bytes instanceof Uint8Array ? digestsIn(bytes) : bytes);
  }
  for (const d of searched) if (d.size > MAX_MANIFEST_BYTES) note(d, await digestsInLarge(layout, d, signal));
  const present = new Map((await describeBlobs(layout, new Set(links.map((l) => l.digest)))).map((d) => [d.digest, d]));
  return { links: links.flatMap(({ by, digest }) => (present.has(digest) ? { by, named: present.get(digest)! } : [])), unreadable };

  function note(by: Descriptor, found: readonly Digest[] | OcilotError): void {
    if (!(found instanceof OcilotError)) links.push(...found.map((digest) => ({ by, digest })));
    else if (!isOcilotError(found, "BLOB_NOT_FOUND", "ALGORITHM_UNSUPPORTED")) unreadable.push(found);
  }
}

function digestsIn(bytes: Uint8Array): readonly Digest[] {
  const search = new DigestSearch();
  search.add(bytes);
  return search.found;
}

/** Reads as a stream, and only as far as it looks like JSON. */
async function digestsInLarge(layout: Layout, d: Descriptor, signal?: AbortSignal): Promise<readonly Digest[] | OcilotError> {
  const search = new DigestSearch();
  try {
    const stream = await layout.blobs.open(d);
    try {
      for await (const piece of stream) {
        if (signal?.aborted) throw new OcilotError("ABORTED", "interrupted", {});
        if (!search.add(piece)) break;
      }
    } finally {
      stream.destroy();
    }
    return search.found;
  } catch (error) {
    if (!isOcilotError(error) || error.code === "ABORTED") throw error;
    return error;
  }
}

/**
 * Returns what Docker's files beside `index.json` lead to and is present: the blobs that they name, and the manifests in `blobs/`
 * of images that `index.json` does not list.
 */
export async function dockerContent(layout: Layout, view: LayoutView): Promise<Descriptor[]> {
  const docker = await layout.dockerImages();
  if (docker.digests.size + docker.unreadable.length === 0) return [];
  const named = new Set([...docker.digests, ...(await digestsInUnreadable(layout, docker))]);
  return [...(await dockerManifests(layout, view, docker)).unlisted, ...(await describeBlobs(layout, named))];
}

/** A file that is not what Docker writes keeps the digests that its text names. */
async function digestsInUnreadable(layout: Layout, { unreadable }: DockerImages): Promise<Digest[]> {
  if (unreadable.length === 0) return [];
  const documents = await layout.dockerDocuments();
  return unreadable.flatMap(({ file }) => digestsIn(documents[file] ?? new Uint8Array()));
}
