import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { archiveInvalid } from "./archive-error.js";
import { decodeHeader } from "./tar-header.js";

/** How a tar is packed. */
export type Compression = "none" | "gzip" | "zstd";

/** In Node since 22.15 and 23.8; the types are those of the oldest Node that ocilot runs on. */
const zstd = zlib as unknown as { createZstdDecompress?: () => zlib.Gunzip; createZstdCompress?: () => Transform };

const MAGIC: readonly (readonly [name: "gzip" | "zstd" | "xz" | "bzip2", bytes: readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

/** Tells the compression by the first bytes; `none` for anything else. */
export function sniffCompression(head: Uint8Array): Compression | "xz" | "bzip2" {
  return MAGIC.find(([, bytes]) => bytes.every((b, i) => head[i] === b))?.[0] ?? "none";
}

/** Tells whether this Node can pack and unpack zstd. */
export function hasZstd(): boolean {
  return zstd.createZstdCompress !== undefined;
}

/** The compression that a file name asks for: `.gz` and `.tgz`, `.zst` and `.tzst`, else none. */
export function compressionOf(path: string): Compression {
  if (/\.(?:gz|tgz)$/i.test(path)) return "gzip";
  return /\.(?:zst|tzst)$/i.test(path) ? "zstd" : "none";
}

/** @throws OcilotError `ARCHIVE_INVALID` where this Node cannot do it */
export function decompressor(archive: string, compression: "gzip" | "zstd" | "xz" | "bzip2"): zlib.Gunzip {
  if (compression === "gzip") return zlib.createGunzip({ chunkSize: 1 << 18 });
  if (compression === "zstd" && zstd.createZstdDecompress !== undefined) return zstd.createZstdDecompress();
  const hint =
    compression === "zstd"
      ? `Run ocilot with Node 22.15 or newer, or decompress it first: zstd -d (this is Node ${process.versions.node}).`
      : `Decompress it first: ${compression === "xz" ? "xz" : "bzip2"} -d.`;
  throw archiveInvalid(archive, `is compressed with ${compression}, which cannot be read here`, { hint });
}

/** @throws OcilotError `ARCHIVE_INVALID` where this Node cannot do it */
export function compressor(archive: string, compression: "gzip" | "zstd"): Transform {
  if (compression === "gzip") return zlib.createGzip({ chunkSize: 1 << 18 });
  if (zstd.createZstdCompress !== undefined) return zstd.createZstdCompress();
  throw archiveInvalid(archive, `cannot be compressed with zstd by Node ${process.versions.node}`, {
    hint: "Run ocilot with Node 22.15 or newer, or name it .tar.gz.",
  });
}

/** Tells by the first block whether something is a tar, perhaps a damaged one; the oldest kind has only its checksum to tell. */
export function looksLikeTar(block: Uint8Array): boolean {
  if (Buffer.from(block.subarray(257, 262)).toString("latin1") === "ustar") return true;
  try {
    decodeHeader(block);
    return true;
  } catch {
    return false;
  }
}
