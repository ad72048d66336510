import { type Layout, transferBlobs } from "@ocilot/layout";
import type { CopySelection } from "./select-copy.js";

/** How far a copy is; bytes count what has been looked at, written or not. */
export interface CopyProgress {
  readonly blobs: number;
  readonly totalBlobs: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Copies the content of a selection, layers first and manifests last, each checked on its way. */
export async function transferContent(
  source: Layout,
  target: Layout,
  { content, rewritten }: Pick<CopySelection, "content" | "rewritten">,
  { link, signal, onProgress }: { link?: boolean; signal?: AbortSignal; onProgress?: (event: CopyProgress) => void },
): Promise<{ written: { blobs: number; bytes: number }; present: number }> {
  const totalBytes = content.reduce((sum, d) => sum + d.size, 0);
  const written = { blobs: 0, bytes: 0 };
  let blobs = 0;
  let bytes = 0;
  await transferBlobs(source, target, content, {
    ...(link !== undefined && { link }),
    ...(signal && { signal }),
    onProgress: ({ bytes: more, descriptor, isNew }) => {
      bytes += more;
      if (isNew !== undefined) blobs++;
      if (isNew === true) {
        written.blobs++;
        written.bytes += descriptor.size;
      }
      onProgress?.({ blobs, totalBlobs: content.length, bytes, totalBytes });
    },
  });
  if (rewritten !== undefined) await target.blobs.put(new TextEncoder().encode(rewritten.text), { expect: rewritten.descriptor });
  return { written, present: content.length - written.blobs };
}
