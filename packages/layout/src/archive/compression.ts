import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { OcilotError } from "../errors.js";
import { shellWord } from "../filesystem/shell-word.js";
import type { Compression, SniffedCompression } from "./sniff.js";

export type { Compression };

/** Node has zstd since 22.15 and 23.8; the types are those of the oldest Node that ocilot runs on. */
const zstd = zlib as unknown as { createZstdDecompress?: () => zlib.Gunzip; createZstdCompress?: () => Transform };

/**
 * Returns true if this Node can compress and decompress zstd.
 * @example
 * ```ts
 * import { hasZstd, Layout, layoutMembers, writeArchive } from "@ocilot/layout";
 *
 * await writeArchive(hasZstd() ? "./layout.tar.zst" : "./layout.tar.gz", await layoutMembers(await Layout.open("./layout")));
 * ```
 */
export function hasZstd(): boolean {
  return zstd.createZstdCompress !== undefined;
}

/**
 * Returns the compression that a file name asks for: that of `.gz`, `.tgz`, `.zst` and `.tzst` in any case, else `none`.
 * @example
 * ```ts
 * import { compressionOf } from "@ocilot/layout";
 *
 * console.log(compressionOf("images.tar.zst")); // zstd
 * ```
 */
export function compressionOf(path: string): Compression {
  if (/\.(?:gz|tgz)$/i.test(path)) return "gzip";
  return /\.(?:zst|tzst)$/i.test(path) ? "zstd" : "none";
}

/** Returns a stream that decompresses. @throws OcilotError `UNSUPPORTED` if this Node or ocilot cannot do it */
export function decompressor(archive: string, compression: Exclude<SniffedCompression, "none">): zlib.Gunzip {
  if (compression === "gzip") return zlib.createGunzip({ chunkSize: 1 << 18 });
  const path = shellWord(archive);
  if (compression !== "zstd") {
    throw new OcilotError(
      "UNSUPPORTED",
      `${archive} is compressed with ${compression}, which ocilot does not read`,
      { feature: compression },
      { hint: `Decompress it first: ${compression} -d ${path}` },
    );
  }
  if (zstd.createZstdDecompress !== undefined) return zstd.createZstdDecompress();
  throw withoutZstd(archive, `or decompress it first: zstd -d ${path}`);
}

/** Returns a stream that compresses. @throws OcilotError `UNSUPPORTED` if this Node lacks zstd */
export function compressor(archive: string, compression: "gzip" | "zstd"): Transform {
  if (compression === "gzip") return zlib.createGzip({ chunkSize: 1 << 18 });
  if (zstd.createZstdCompress !== undefined) return zstd.createZstdCompress();
  throw withoutZstd(archive, "or write a .tar.gz");
}

function withoutZstd(archive: string, otherwise: string): OcilotError<"UNSUPPORTED"> {
  return new OcilotError(
    "UNSUPPORTED",
    `${archive}: Node ${process.versions.node} has no zstd`,
    { feature: "zstd" },
    { hint: `Run ocilot with Node 22.15 or newer, ${otherwise}` },
  );
}
