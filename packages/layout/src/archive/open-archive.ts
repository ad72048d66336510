import { closeSync, createReadStream, fstatSync, open } from "node:fs";
import { promisify } from "node:util";
import { OcilotError } from "../errors.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import type { LayoutBackend } from "../storage.js";
import { type ArchiveOptions, DEFAULT_MAX_ARCHIVE_SIZE } from "./archive-options.js";
import { ArchiveBlobs } from "./archive-blobs.js";
import { ArchiveFile } from "./archive-file.js";
import { notALayout } from "./layout-in-archive.js";
import { readArchive } from "./read-archive.js";
import { sniffCompression } from "./sniff.js";
import { spool } from "./spool.js";

/**
 * Opens a tar of a layout for reading in place: of an uncompressed one only the headers are read. A compressed one, and `-` (standard
 * input), is first written to a private temporary file. A docker archive without a layout is read as if it were one.
 * @throws OcilotError `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `LAYOUT_INVALID`, `ARCHIVE_INVALID`, `UNSUPPORTED`, `UNSAFE_NAME`,
 * `LINK_OUTSIDE`, `LIMIT_EXCEEDED`, `BLOB_CORRUPT`, `ABORTED`, `ACCESS_DENIED`, `IO_ERROR`
 */
export async function openArchiveBackend(path: string, options: ArchiveOptions = {}): Promise<LayoutBackend> {
  const file = await openFile(path, options);
  try {
    const backend = await readArchive(file, (blobs) => new ArchiveBlobs(file, blobs), options);
    return { ...backend, close: async () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function openFile(path: string, options: ArchiveOptions): Promise<ArchiveFile> {
  const { maxSize = DEFAULT_MAX_ARCHIVE_SIZE } = options;
  if (path === "-") return await spool(process.stdin, "standard input", { ...options, maxSize });
  const fd = await openForReading(path);
  const kind = fstatSync(fd);
  if (kind.isFile()) {
    const file = new ArchiveFile(path, fd);
    const head = file.read(0, Math.min(8, file.size));
    if (sniffCompression(head) === "none") return file;
  } else if (!kind.isFIFO() && !kind.isSocket()) {
    closeSync(fd);
    throw notALayout(path, kind.isDirectory() ? "is a directory, not an archive" : "is not a regular file", "not-an-archive");
  }
  return await spool(createReadStream("", { fd, highWaterMark: 1 << 18 }), path, { ...options, maxSize });
}

/** Asynchronous: opening a pipe waits for its other end. */
async function openForReading(path: string): Promise<number> {
  try {
    return await promisify(open)(path, "r");
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw ioError(error, path);
    throw new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path });
  }
}
