import { type Descriptor, type Layout, type OnRefused, bareDescriptor, transferBlobs } from "@ocilot/layout";
import type { CopySelection } from "./select-copy.js";

/** Progress of a copy; bytes count what has been processed, written or already present. */
export interface CopyProgress {
  readonly blobs: number;
  readonly totalBlobs: number;
  readonly bytes: number;
  readonly totalBytes: number;
  /** The blob that has just moved on, and how much of it has been processed, in bytes. */
  readonly current?: { readonly descriptor: Descriptor; readonly bytes: number; readonly isDone: boolean };
}

/** Copies the content of a selection, layers first and manifests last, each checked on the way. */
export async function transferContent(
  source: Layout,
  target: Layout,
  { content, embedded, rewritten }: Pick<CopySelection, "content" | "embedded" | "rewritten">,
  {
    link,
    signal,
    onProgress,
    onRefused,
  }: { link?: boolean; signal?: AbortSignal; onProgress?: (event: CopyProgress) => void; onRefused?: OnRefused },
): Promise<{ written: { blobs: number; bytes: number }; present: number }> {
  const totalBytes = content.reduce((sum, d) => sum + d.size, 0);
  const written = { blobs: 0, bytes: 0 };
  const underWay = new Map<string, number>();
  let blobs = 0;
  let bytes = 0;
  let refused = 0;
  const countRefused: OnRefused = async (d, error) => {
    const isLeft = (await onRefused?.(d, error)) === true;
    if (isLeft) refused++;
    return isLeft;
  };
  await transferBlobs(source, target, content, {
    ...(link !== undefined && { link }),
    ...(signal && { signal }),
    ...(onRefused && { onRefused: countRefused }),
    onProgress: ({ bytes: more, descriptor, isNew }) => {
      bytes += more;
      const isDone = isNew !== undefined;
      const own = (underWay.get(descriptor.digest) ?? 0) + more;
      if (isDone) underWay.delete(descriptor.digest);
      else underWay.set(descriptor.digest, own);
      if (isNew !== undefined) blobs++;
      if (isNew === true) {
        written.blobs++;
        written.bytes += descriptor.size;
      }
      onProgress?.({ blobs, totalBlobs: content.length, bytes, totalBytes, current: { descriptor, bytes: own, isDone } });
    },
  });
  await putNewBlobs(target, { embedded, ...(rewritten && { rewritten }) });
  return { written, present: content.length - written.blobs - refused };
}

/** Stores the content that is not in the source: what descriptors embed, and a rewritten index. */
export async function putNewBlobs(target: Layout, { embedded, rewritten }: Pick<CopySelection, "embedded" | "rewritten">): Promise<void> {
  for (const { descriptor, data } of embedded) await target.blobs.put(data, { expect: bareDescriptor(descriptor) });
  if (rewritten !== undefined) await target.blobs.put(new TextEncoder().encode(rewritten.text), { expect: rewritten.descriptor });
}
