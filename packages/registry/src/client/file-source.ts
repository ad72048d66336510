import { read } from "node:fs";
import { promisify } from "node:util";
import { type BlobExtent } from "@ocilot/layout";
import { OcilotError } from "@ocilot/layout/spec";
import type { ReplayableSource } from "./types.js";

const readAt = promisify(read);
const CHUNK_BYTES: number = 256 * 1024;

/**
 * What lies in an open file as a source. It is read by position, so that any number of attempts may read at once; the caller that opened the file
 * closes it, after the upload.
 * @example
 * ```ts
 * import { closeSync, openSync } from "node:fs";
 * import { extentSource } from "@ocilot/registry";
 *
 * const fd = openSync("./layer.tar.gz", "r");
 * const source = extentSource({ fd, offset: 0, size: 1024 });
 * for await (const piece of source.read(0)) console.log(piece.length);
 * closeSync(fd);
 * ```
 */
export function extentSource(extent: Pick<BlobExtent, "fd" | "offset" | "size">): ReplayableSource {
  return {
    read: async function* (start) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(0, extent.size - start)));
      for (let at = start; at < extent.size;) {
        const length = Math.min(buffer.length, extent.size - at);
        const { bytesRead } = await readAt(extent.fd, buffer, 0, length, extent.offset + at).catch((cause: NodeJS.ErrnoException) => {
          throw new OcilotError("IO_ERROR", `the blob cannot be read (${cause.code ?? cause.message})`, { path: "blob" }, { cause });
        });
        if (bytesRead === 0) return;
        at += bytesRead;
        yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
      }
    },
  };
}
