import { setImmediate as breathe } from "node:timers/promises";
import { throwIfAborted } from "../io-error.js";
import { archiveInvalid, overLimit } from "./archive-error.js";
import type { ArchiveFile } from "./archive-file.js";
import { ExtendedHeaders } from "./extended-headers.js";
import { memberName } from "./member-name.js";
import { type DecodedHeader, decodeHeader } from "./tar-header.js";

const BLOCK = 512;
/** What one read takes in: the headers of many small members at once. */
const WINDOW = 1 << 16;
/** Headers between two turns of the event loop. */
const SLICE = 4096;
/** Half a gibibyte of headers; the largest layouts that were ever met have a tenth of it. */
export const DEFAULT_MAX_MEMBERS = 500_000;
/** All names together: they are held in memory while the archive is open. */
const MAX_NAMES_BYTES = 256 << 20;

/** A file or a link in a tar. `offset` is where its content begins. */
export interface Member {
  readonly name: string;
  readonly kind: "file" | "link" | "symlink";
  readonly offset: number;
  readonly size: number;
  /** Where a link leads, as it stands in the archive. */
  readonly target?: string;
}

export interface ScanOptions {
  readonly maxMembers: number;
  readonly signal?: AbortSignal;
}

/**
 * Lists a tar's files and links, in their order, from its headers alone: content is passed over. PAX and GNU headers
 * count; owners, modes and times do not. Directories are left out.
 * @throws OcilotError `ARCHIVE_INVALID`, `UNSAFE_NAME`, `LIMIT_EXCEEDED`, `ABORTED`, `IO_ERROR`
 */
export async function scanMembers(file: ArchiveFile, { maxMembers, signal }: ScanOptions): Promise<{ members: Member[]; hasEnd: boolean }> {
  const { location } = file;
  const blocks = new BlockReader(file);
  const members: Member[] = [];
  const extended = new ExtendedHeaders(file);
  let count = 0;
  let nameBytes = 0;
  let at = 0;
  let hasEnd = false;
  for (; at < file.size; count++) {
    if (count % SLICE === SLICE - 1) {
      await breathe();
      throwIfAborted(signal);
    }
    const header = decodeAt(location, blocks.at(at), at);
    if (header === null) {
      hasEnd = isEnd(location, blocks, at);
      break;
    }
    if (count >= maxMembers)
      throw overLimit(location, "members", maxMembers, count + 1, "Allow more with maxMembers if you trust the archive.");
    const start = at;
    at += BLOCK;
    if (extended.isExtended(header)) {
      at += padded(extended.take(header, at));
      continue;
    }
    const { raw, size, target, isFile } = extended.apply(header, blocks.at(start), start);
    const name = memberName(location, raw, isFile || target !== undefined);
    if (size > file.size - at) {
      throw archiveInvalid(location, `is cut short: ${size} bytes are promised, ${file.size - at} are left`, {
        member: raw,
        offset: start,
      });
    }
    nameBytes += raw.length + (target?.length ?? 0);
    if (nameBytes > MAX_NAMES_BYTES) throw overLimit(location, "bytes of names", MAX_NAMES_BYTES, nameBytes, "Split the archive.");
    if (isFile) members.push({ name, kind: "file", offset: at, size });
    else if (target !== undefined) members.push({ name, kind: header.type as "link" | "symlink", offset: at, size: 0, target });
    at += padded(size);
  }
  if (extended.isPending) throw archiveInvalid(location, "ends behind an extended header", { offset: at });
  return { members, hasEnd };
}

/** A checksum that is wrong in the very first header means that this is no tar at all; see `openArchive`. */
function decodeAt(location: string, block: Buffer, offset: number): DecodedHeader | null {
  try {
    return decodeHeader(block);
  } catch (cause) {
    throw archiveInvalid(location, "the header's checksum is wrong", { offset, cause });
  }
}

/** Two blocks of zeros end a tar; behind one alone, some programs read on and others do not. */
function isEnd(location: string, blocks: BlockReader, at: number): boolean {
  if (at + BLOCK >= blocks.size) return true;
  if (blocks.at(at + BLOCK).every((b) => b === 0)) return true;
  throw archiveInvalid(location, "a lone block of zeros stands between members", { offset: at });
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Blocks of the file by their place, read many at a time where they lie side by side. */
class BlockReader {
  readonly #file: ArchiveFile;
  #window: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(file: ArchiveFile) {
    this.#file = file;
  }

  get size(): number {
    return this.#file.size;
  }

  /** @throws OcilotError `ARCHIVE_INVALID` if the file ends within the block */
  at(offset: number): Buffer {
    const within = offset - this.#start;
    if (within >= 0 && within + BLOCK <= this.#window.length) return this.#window.subarray(within, within + BLOCK);
    // Small where members are large, so that only headers are read; wide where one follows upon the other.
    const isNear = offset >= this.#start && within <= WINDOW;
    const length = Math.min(isNear ? WINDOW : BLOCK, this.size - offset);
    if (length < BLOCK) throw archiveInvalid(this.#file.location, "is cut short within a header", { offset });
    this.#window = this.#file.read(offset, length);
    this.#start = offset;
    return this.#window.subarray(0, BLOCK);
  }
}
