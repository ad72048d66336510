import { decodeHeader } from "./tar-header.js";

/** How a tar is compressed. */
export type Compression = "none" | "gzip" | "zstd";

const MAGIC: readonly (readonly [name: "gzip" | "zstd" | "xz" | "bzip2" | "lz4", bytes: readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["lz4", [0x04, 0x22, 0x4d, 0x18]],
];

/** What the first bytes of a file say about its compression. */
export type SniffedCompression = Compression | (typeof MAGIC)[number][0];

/** Returns the compression of a file by its first bytes; `none` for anything unknown. */
export function sniffCompression(head: Uint8Array): SniffedCompression {
  return MAGIC.find(([, bytes]) => bytes.every((b, i) => head[i] === b))?.[0] ?? "none";
}

const USTAR: Uint8Array = new TextEncoder().encode("ustar");

/** Returns true if the first block of a file may be that of a tar, perhaps a damaged one. The oldest format has only its checksum. */
export function looksLikeTar(block: Uint8Array): boolean {
  if (USTAR.every((b, i) => block[257 + i] === b)) return true;
  try {
    decodeHeader(block);
    return true;
  } catch {
    return false;
  }
}

/** Returns true if a file begins as zip files do. */
export function looksLikeZip(head: Uint8Array): boolean {
  return [0x50, 0x4b, 0x03, 0x04].every((b, i) => head[i] === b);
}
