import { closeSync, createReadStream, fstatSync, open, statSync } from "node:fs";
import { promisify } from "node:util";
import { OcilotError } from "../errors.js";
import { MAX_INDEX_BYTES } from "../directory-index.js";
import { digestOf } from "../hash.js";
import { INDEX_FILE, type IndexSnapshot, parseIndex } from "../index-snapshot.js";
import { errnoOf, ioError } from "../io-error.js";
import { MARKER_FILE, MAX_MARKER_BYTES } from "../layout-marker.js";
import type { Digest } from "../spec/digest.js";
import type { IndexFile, LayoutBackend } from "../storage.js";
import { ArchiveBlobs } from "./archive-blobs.js";
import { refuseWrite, shown } from "./archive-error.js";
import { ArchiveFile } from "./archive-file.js";
import { looksLikeTar, sniffCompression } from "./compression.js";
import { blobDigest, chooseBlob, readDocument } from "./contents.js";
import { DOCKER_FILES, DOCKER_MANIFEST_FILE, readDockerArchive } from "./docker-archive.js";
import { type Extent, filesOf } from "./members.js";
import { DEFAULT_MAX_MEMBERS, scanMembers } from "./scan.js";
import { spool } from "./spool.js";

/** 64 GiB. */
export const DEFAULT_MAX_ARCHIVE_SIZE: number = 64 * 2 ** 30;

/** How an archive is opened. */
export interface ArchiveOptions {
  /** The largest uncompressed size of an archive that has to be unpacked first, or comes from a pipe; 64 GiB unless told. */
  readonly maxSize?: number;
  /** The most members that an archive may have; 500,000 unless told. */
  readonly maxMembers?: number;
  /** Where a compressed archive is unpacked to, privately and for as long as it is open; the system's unless told. */
  readonly tempDir?: string;
  readonly signal?: AbortSignal;
}

/**
 * Opens a tar of a layout for reading in place: of a plain one only the headers are read. One that is compressed, and
 * `-` (standard input), goes through a private temporary file. A docker archive without a layout is read as if it were one.
 * @throws OcilotError `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `LAYOUT_INVALID`, `ARCHIVE_INVALID`, `UNSAFE_NAME`, `LINK_OUTSIDE`,
 * `LIMIT_EXCEEDED`, `BLOB_CORRUPT`, `ABORTED`, `IO_ERROR`
 */
export async function openArchive(path: string, options: ArchiveOptions = {}): Promise<LayoutBackend> {
  const file = await openFile(path, options);
  try {
    return await readArchive(file, options);
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
    throw notALayout(path, kind.isDirectory() ? "is a directory, not an archive" : "is not a regular file");
  }
  return await spool(createReadStream("", { fd, highWaterMark: 1 << 18 }), path, { ...options, maxSize });
}

/** Not at once: a pipe makes whoever opens it wait for the other side. */
async function openForReading(path: string): Promise<number> {
  try {
    return await promisify(open)(path, "r");
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw ioError(error, path);
    throw new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path });
  }
}

async function readArchive(file: ArchiveFile, { maxMembers = DEFAULT_MAX_MEMBERS, signal }: ArchiveOptions): Promise<LayoutBackend> {
  const { location } = file;
  if (file.size < 512 || !looksLikeTar(file.read(0, 512))) throw notALayout(location, "is neither a directory nor a tar archive");
  const { members, hasEnd } = await scanMembers(file, { maxMembers, ...(signal && { signal }) });
  const files = filesOf(location, members);
  const close = async (): Promise<void> => file.close();
  const warnings = hasEnd ? [] : [`${location}: the archive has no end mark; it may have been cut short between two files`];
  const marker = readDocument(file, files, MARKER_FILE, MAX_MARKER_BYTES);
  if (marker === undefined) {
    if (!files.has(DOCKER_MANIFEST_FILE)) throw notALayout(location, `has no ${MARKER_FILE}, and is no docker archive either`);
    const docker = await readDockerArchive(file, files, signal);
    return {
      location,
      blobs: new ArchiveBlobs(file, docker.blobs),
      index: archiveIndex(location, docker.index),
      marker: docker.marker,
      warnings: [...warnings, ...docker.warnings],
      close,
    };
  }
  const index = readDocument(file, files, INDEX_FILE, MAX_INDEX_BYTES);
  if (index === undefined) throw notALayout(location, `has no ${INDEX_FILE}`);
  const blobs = new Map<Digest, Extent>();
  const foreign: string[] = [];
  for (const [name, extents] of files) {
    const digest = blobDigest(name);
    if (digest !== undefined) blobs.set(digest, await chooseBlob(file, digest, extents, signal));
    else if (name !== MARKER_FILE && name !== INDEX_FILE && !DOCKER_FILES.includes(name)) foreign.push(name);
  }
  if (foreign.length > 0) warnings.push(foreignWarning(location, foreign));
  return { location, blobs: new ArchiveBlobs(file, blobs), index: archiveIndex(location, index), marker, warnings, close };
}

/** `index.json` of an archive: parsed when it is first asked for, as that of a directory is. */
function archiveIndex(location: string, bytes: Uint8Array): IndexFile {
  let snapshot: IndexSnapshot | undefined;
  return {
    read: async () => (snapshot ??= parseIndex(bytes, digestOf(bytes))),
    update: async () => refuseWrite(location),
  };
}

function foreignWarning(location: string, names: readonly string[]): string {
  const some = names.slice(0, 3).map(shown).join(", ");
  return `${location}: ${names.length === 1 ? "a file is" : `${names.length} files are`} no part of the layout and not read: ${some}${names.length > 3 ? ", …" : ""}`;
}

function notALayout(path: string, why: string): OcilotError<"NOT_A_LAYOUT"> {
  return new OcilotError(
    "NOT_A_LAYOUT",
    `${path} ${why}`,
    { path },
    { hint: "Name a directory or a tar that holds oci-layout, index.json and blobs/." },
  );
}

/** Tells by its first bytes whether a file may be an archive, packed or not; false where there is none. Nothing is thrown. */
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
