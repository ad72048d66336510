import type { BlobListing, Digest, Layout } from "@ocilot/layout/web";

/** The blobs of a layout by whether something needs them. */
export interface SortedBlobs {
  readonly needed: readonly BlobListing[];
  readonly unneeded: readonly BlobListing[];
  /** The identities of the files that hold needed blobs. */
  readonly files: ReadonlySet<string>;
}

/**
 * Sorts a listing. A blob whose file also holds a needed one (a link, a linked directory, a hard link, another spelling of one
 * name) is needed as well: deleting its name can delete that content.
 */
export function sortBlobs(blobs: readonly BlobListing[], isNeeded: (digest: Digest) => boolean): SortedBlobs {
  const files = new Set(blobs.flatMap((b) => (b.file !== undefined && isNeeded(b.digest) ? b.file : [])));
  const stays = (b: BlobListing): boolean => isNeeded(b.digest) || (b.file !== undefined && files.has(b.file));
  return { needed: blobs.filter(stays), unneeded: blobs.filter((b) => !stays(b)), files };
}

/** Returns the blobs that are not needed, see {@link sortBlobs}. The names of files show whether there may be any; only then is each file looked at. */
export async function unneededBlobs(layout: Layout, needed: ReadonlySet<Digest>): Promise<readonly BlobListing[]> {
  return (await hasOthers(layout, needed)) ? sortBlobs(await listBlobs(layout), (d) => needed.has(d)).unneeded : [];
}

/** Returns whether there are blobs besides those that are known. */
export async function hasOthers(layout: Layout, known: { has(digest: string): boolean }): Promise<boolean> {
  for await (const { digest } of layout.blobs.list({ skip: known })) if (!known.has(digest)) return true;
  return false;
}

/** Returns every blob of a layout. */
export async function listBlobs(layout: Layout): Promise<BlobListing[]> {
  const found: BlobListing[] = [];
  for await (const blob of layout.blobs.list()) found.push(blob);
  return found;
}
