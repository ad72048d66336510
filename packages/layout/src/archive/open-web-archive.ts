import { Layout } from "../layout.js";
import type { ArchiveOptions } from "./archive-options.js";
import { readArchive } from "./read-archive.js";
import { WebFileBlobs } from "./web-file-blobs.js";
import { openWebFile } from "./web-file.js";

/** How a tar in a `Blob` is opened. */
export interface WebArchiveOptions extends Pick<ArchiveOptions, "maxSize" | "maxMembers" | "signal"> {
  /** What messages call it (default: the name of a `File`, else `archive`). */
  readonly name?: string;
}

/**
 * Opens a tar of a layout that a web page has: a `File` that was picked, or the `Blob` of a response. Only its headers are read; blobs are
 * read when they are asked for. A gzipped tar is decompressed first.
 * @throws OcilotError `NOT_A_LAYOUT`, `ARCHIVE_INVALID`, `LAYOUT_INVALID`, `LIMIT_EXCEEDED`, `UNSAFE_NAME`, `LINK_OUTSIDE`, `UNSUPPORTED`,
 * `ABORTED`, `IO_ERROR`
 * @example
 * ```ts
 * import { openWebArchive } from "@ocilot/layout/web";
 *
 * const answer = await fetch("https://example.org/app.tar");
 * const layout = await openWebArchive(await answer.blob(), { name: "app.tar" });
 * console.log((await layout.index.read()).entries.length);
 * ```
 */
export async function openWebArchive(blob: Blob, options: WebArchiveOptions = {}): Promise<Layout> {
  const file = await openWebFile(blob, options.name ?? nameOf(blob), options);
  return new Layout(await readArchive(file, (blobs) => new WebFileBlobs(file, blobs), options));
}

function nameOf(blob: Blob): string {
  return "name" in blob && typeof blob.name === "string" ? blob.name : "archive";
}
