import { BlobMover, type Descriptor, isOcilotError } from "@ocilot/layout";
import type { Repository } from "../repositories/repository.js";

/** Up to here a blob that cannot be shared is copied while the client waits. */
const COPY_BYTES = 64 << 20;

/**
 * Brings a blob of one repository into another without sending it: as a second name of the same file, else as a copy if it is small.
 * It is checked before. Returns false where the client has to upload it.
 */
export async function mountBlob(source: Repository, target: Repository, d: Descriptor): Promise<boolean> {
  if (source.layout === target.layout) return true;
  try {
    if ((await target.layout.blobs.size(d.digest)) === d.size) {
      await verify(target, d);
      return true;
    }
    await verify(source, d);
    const file = await source.layout.blobs.file?.(d);
    if (file !== undefined && (await share(file, target, d))) return true;
    if (d.size > COPY_BYTES) return false;
    await target.layout.blobs.put(d.size === 0 ? new Uint8Array() : await source.layout.blobs.open(d), { expect: d });
    return true;
  } catch (error) {
    if (isOcilotError(error, "BLOB_NOT_FOUND", "BLOB_CORRUPT", "SIZE_MISMATCH")) return false;
    throw error;
  }
}

async function verify({ layout, verdicts }: Repository, d: Descriptor): Promise<void> {
  const extent = await layout.blobs.extent?.(d);
  if (extent === undefined) return;
  try {
    await verdicts.check(layout, d, extent);
  } finally {
    extent.close();
  }
}

async function share(file: string, { layout }: Repository, d: Descriptor): Promise<boolean> {
  const mover = new BlobMover([d.size], { threads: 0 });
  try {
    return (await layout.blobs.putFile?.(file, d, { link: true, mover })) ?? false;
  } finally {
    mover.close();
  }
}
