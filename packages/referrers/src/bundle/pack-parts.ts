import { OcilotError, blobPath, compareDigests, memberBytes } from "@ocilot/layout";
import { type BlobSize, type BundlePiece, pieceName } from "./bundle-document.js";

/** What one file of a bundle holds besides what every file holds. */
export interface PackedPart {
  readonly blobs: readonly BlobSize[];
  readonly piece?: BundlePiece;
  /** The bytes that these take in a tar, headers and padding included. */
  readonly bytes: number;
}

/** How content is distributed over files. */
export interface Packing {
  readonly parts: readonly PackedPart[];
  /** How many files the fixed part was computed for; at least as many as there are. */
  readonly reserved: number;
}

export interface PackOptions {
  /** The largest file, in bytes. */
  readonly limit: number;
  /** The limit to name to people for files of at most so many bytes, if they are compressed later (default: the same number). */
  readonly limitFor?: (bytes: number) => number;
  /** What every file of a set of so many holds besides, in bytes. */
  readonly fixed: (parts: number) => number;
}

/** The name of the longest piece decides the bytes of its header, which are the same for all. */
const CHECKSUM_BYTES = 64;
/** A part with less room for content, in bytes, would hold next to nothing. */
const LEAST_ROOM = 4096;

/**
 * Distributes blobs over as few files as first-fit decreasing finds, none larger than the limit. A blob that fits in no file is cut
 * into pieces, each in a file of its own. Deterministic: by size, then digest.
 * @throws OcilotError `LIMIT_EXCEEDED` if the limit leaves no room for content
 */
export function packParts(blobs: readonly BlobSize[], options: PackOptions): Packing {
  const { limit, limitFor = (bytes) => bytes } = options;
  const packing = attempt(blobs, options);
  if (typeof packing !== "number") return packing;
  // A larger limit needs fewer parts, so that the table of parts is shorter: this ends.
  let enough = packing;
  for (let next: Packing | number = packing; typeof next === "number"; next = attempt(blobs, { ...options, limit: enough })) enough = next;
  throw tooSmall(limitFor(limit), limitFor(enough));
}

/** Returns a packing, or a larger limit to try. */
function attempt(blobs: readonly BlobSize[], { limit, fixed }: PackOptions): Packing | number {
  for (let parts = 1; ;) {
    const capacity = limit - fixed(parts);
    if (capacity < LEAST_ROOM && limit !== Infinity) return fixed(parts) + LEAST_ROOM;
    const packed = packInto(blobs, capacity);
    if (packed.length <= parts) return { parts: packed, reserved: parts };
    // More files make the table of files longer, which every file holds.
    parts = packed.length;
  }
}

function packInto(blobs: readonly BlobSize[], capacity: number): PackedPart[] {
  const sorted = blobs
    .map((blob) => ({ blob, bytes: memberBytes({ name: blobPath(blob.digest), size: blob.size }) }))
    .toSorted((a, b) => b.bytes - a.bytes || compareDigests(a.blob.digest, b.blob.digest));
  const bins: { blobs: BlobSize[]; bytes: number }[] = [];
  const pieces: PackedPart[] = [];
  // Bins before this one have no room for the smallest blob.
  const smallest = sorted.at(-1)?.bytes ?? 0;
  let firstOpen = 0;
  for (const { blob, bytes } of sorted) {
    if (bytes > capacity) {
      pieces.push(...cut(blob, capacity));
      continue;
    }
    let bin = bins.find((b, i) => i >= firstOpen && b.bytes + bytes <= capacity);
    if (bin === undefined) bins.push((bin = { blobs: [], bytes: 0 }));
    bin.blobs.push(blob);
    bin.bytes += bytes;
    while (firstOpen < bins.length && bins[firstOpen]!.bytes + smallest > capacity) firstOpen++;
  }
  if (bins.length === 0 && pieces.length === 0) return [{ blobs: [], bytes: 0 }];
  return [...bins.map((b) => ({ ...b, blobs: b.blobs.toSorted((x, y) => compareDigests(x.digest, y.digest)) })), ...pieces];
}

function cut(blob: BlobSize, capacity: number): PackedPart[] {
  const nameOf = (number: number, count: number): string => pieceName(blobPath(blob.digest), { number, count });
  // Names with more than four digits do not change what a header takes.
  const checksum = memberBytes({ name: `${nameOf(1, 1)}.sha256`, size: CHECKSUM_BYTES });
  const header = memberBytes({ name: nameOf(1, 1), size: 0 });
  const length = Math.floor((capacity - checksum - header) / 512) * 512;
  const count = Math.ceil(blob.size / length);
  return Array.from({ length: count }, (_, i): PackedPart => {
    const offset = i * length;
    const piece = { ...blob, number: i + 1, count, offset, length: Math.min(length, blob.size - offset) };
    return { blobs: [], piece, bytes: memberBytes({ name: nameOf(i + 1, count), size: piece.length }) + checksum };
  });
}

function tooSmall(limit: number, enough: number): OcilotError<"LIMIT_EXCEEDED"> {
  return new OcilotError(
    "LIMIT_EXCEEDED",
    `parts of ${limit} bytes are too small: each holds index.json, all manifests and the table of parts, and needs room for content; ${enough} bytes are enough`,
    { what: "part size", limit, found: enough },
    { hint: `Choose --split ${enough} or larger.` },
  );
}
