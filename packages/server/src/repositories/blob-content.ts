import { read } from "node:fs";
import { promisify } from "node:util";
import type { Descriptor, Layout } from "@ocilot/layout";
import type { StreamBody } from "../protocol/answer.js";
import type { ByteRange } from "../protocol/byte-range.js";
import type { BlobVerdicts } from "./blob-verdicts.js";

const readAt = promisify(read);
/** Up to here a blob is read at once and checked each time, which costs less than remembering it. */
const SMALL_BYTES = 1 << 20;
const PIECE_BYTES = 1 << 20;
/** So much of a larger blob is held back until it is known to be whole. */
const TAIL_BYTES = 64 << 10;

/**
 * Returns the content of a blob, or a part of it. Small blobs are checked before; of a larger one that has not been checked
 * yet the end is held back until its digest is known, so that a damaged blob never arrives complete.
 * @throws OcilotError `BLOB_NOT_FOUND`, `BLOB_CORRUPT`, `SIZE_MISMATCH`, `IO_ERROR`
 */
export async function blobContent(
  layout: Layout,
  d: Descriptor,
  { verdicts, range }: { readonly verdicts: BlobVerdicts; readonly range?: ByteRange | undefined },
): Promise<Uint8Array | StreamBody> {
  const [first, last] = [range?.first ?? 0, range?.last ?? d.size - 1];
  if (d.size <= SMALL_BYTES) return (await layout.blobs.bytes(d)).subarray(first, last + 1);
  const size = last - first + 1;
  const extent = await layout.blobs.extent?.(d);
  if (extent === undefined) return { size, open: () => verifiedPart(layout, d, first, last) };
  try {
    await verdicts.refuseCorrupt(d, extent);
  } finally {
    extent.close();
  }
  return { size, open: () => extentPart(layout, d, { verdicts, first, last }) };
}

async function* extentPart(
  layout: Layout,
  d: Descriptor,
  { verdicts, first, last }: { verdicts: BlobVerdicts; first: number; last: number },
): AsyncIterable<Uint8Array> {
  const extent = (await layout.blobs.extent!(d))!;
  try {
    const verdict = verdicts.check(layout, d, extent);
    verdict.catch(() => undefined);
    const end = Math.max(first, last + 1 - TAIL_BYTES);
    for (let at = first; at <= last;) {
      if (at >= end) await verdict;
      const length = Math.min(PIECE_BYTES, (at < end ? end : last + 1) - at);
      const piece = Buffer.allocUnsafeSlow(length);
      const { bytesRead } = await readAt(extent.fd, piece, 0, length, extent.offset + at);
      if (bytesRead === 0) throw new Error("the file was cut while it was read");
      yield bytesRead === length ? piece : piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    extent.close();
  }
}

/** For a blob that lies in no file of its own, as in a compressed archive: the stream fails at its end if it is damaged. */
async function* verifiedPart(layout: Layout, d: Descriptor, first: number, last: number): AsyncIterable<Uint8Array> {
  let at = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of await layout.blobs.open(d)) {
    const piece = (chunk as Uint8Array).subarray(Math.max(first - at, 0), Math.max(last + 1 - at, 0));
    at += (chunk as Uint8Array).length;
    if (piece.length === 0) continue;
    if (held !== undefined) yield held;
    held = piece;
  }
  if (held !== undefined) yield held;
}
