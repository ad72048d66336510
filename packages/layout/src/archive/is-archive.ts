import { statSync } from "node:fs";
import { ArchiveFile } from "./archive-file.js";
import { looksLikeTar, sniffCompression } from "./sniff.js";

/**
 * Returns true if the first bytes of a file are those of an archive, compressed or not; false if there is no such file. Throws nothing.
 * @example
 * ```ts
 * import { isArchive } from "@ocilot/layout";
 *
 * console.log(isArchive("./layout.tar"));
 * ```
 */
export function isArchive(path: string): boolean {
  try {
    if (!statSync(path).isFile()) return false;
    const file = ArchiveFile.open(path);
    try {
      const head = file.read(0, Math.min(512, file.size));
      return sniffCompression(head) !== "none" || (head.length === 512 && looksLikeTar(head));
    } finally {
      file.close();
    }
  } catch {
    return false;
  }
}
