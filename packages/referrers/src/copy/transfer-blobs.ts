import { type Descriptor, type Digest, type Layout, transferBlob } from "@ocilot/layout";
import type { NewBlob } from "../view.js";
import type { Closure } from "./closure.js";

/** How far a copy is; bytes count what has been looked at, written or not. */
export interface CopyProgress {
  readonly blobs: number;
  readonly totalBlobs: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Copies the content of a closure, layers first and manifests last, each checked on its way. */
export async function transferBlobs(
  source: Layout,
  target: Layout,
  closure: Closure,
  skip: ReadonlySet<Digest>,
  rewritten: NewBlob | undefined,
  options: { link?: boolean; signal?: AbortSignal; onProgress?: (event: CopyProgress) => void },
): Promise<{ written: { blobs: number; bytes: number }; present: number }> {
  const manifests = [...closure.manifests.values()].map((n) => n.descriptor).toReversed();
  const replaced = rewritten === undefined ? [] : [manifests.at(-1)!];
  const all: Descriptor[] = [...closure.blobs.values(), ...manifests].filter((d) => !skip.has(d.digest) && !replaced.includes(d));
  const totalBytes = all.reduce((sum, d) => sum + d.size, 0);
  const written = { blobs: 0, bytes: 0 };
  let bytes = 0;
  for (const [i, d] of all.entries()) {
    const isNew = await transferBlob(source, target, d, options);
    if (isNew) {
      written.blobs++;
      written.bytes += d.size;
    }
    bytes += d.size;
    options.onProgress?.({ blobs: i + 1, totalBlobs: all.length, bytes, totalBytes });
  }
  if (rewritten !== undefined) await target.blobs.put(new TextEncoder().encode(rewritten.text), { expect: rewritten.descriptor });
  return { written, present: all.length - written.blobs };
}
