import { Pace } from "../filesystem/pace.js";
import { archiveInvalid, overLimit } from "./archive-error.js";
import { ExtendedHeaders } from "./extended-headers.js";
import { memberName } from "./member-name.js";
import { type DecodedHeader, decodeHeader } from "./tar-header.js";
import type { TarSource } from "./tar-source.js";

const BLOCK = 512;
/** The size of one read, in bytes: the headers of many small members at once. */
const WINDOW = 1 << 16;
/** The default limit of members: ten times the largest known layouts. */
export const DEFAULT_MAX_MEMBERS = 500_000;
/** The limit of the length of all names together, in bytes: they are in memory while the archive is open. */
const MAX_NAME_BYTES = 64 << 20;

/** A file or a link in a tar. */
export interface Member {
  readonly name: string;
  readonly kind: "file" | "link" | "symlink";
  /** Where the content begins, in bytes. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** Where a link leads, as written in the archive. */
  readonly target?: string;
}

export interface ScanOptions {
  readonly maxMembers: number;
  /** The limit of the length of all names together, in bytes (default: 64 MiB). */
  readonly maxNameBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * Returns the files and links of a tar in their order, from the headers alone; content is skipped. Applies PAX and GNU headers, ignores
 * owners, modes and times, and leaves out directories. `hasEnd` is false if the end mark is missing.
 * @throws OcilotError `ARCHIVE_INVALID`, `UNSAFE_NAME`, `LIMIT_EXCEEDED`, `ABORTED`, `IO_ERROR`
 */
export async function scanMembers(file: TarSource, options: ScanOptions): Promise<{ members: Member[]; hasEnd: boolean }> {
  const { maxMembers, maxNameBytes = MAX_NAME_BYTES, signal } = options;
  const { location } = file;
  const pace = new Pace(signal);
  const blocks = new BlockReader(file);
  const members: Member[] = [];
  const extended = new ExtendedHeaders(file);
  let count = 0;
  let nameBytes = 0;
  let at = 0;
  let hasEnd = false;
  for (; at < file.size; count++) {
    if (pace.isDue) await pace.rest();
    if (!blocks.has(at)) await blocks.load(at);
    const header = decodeAt(location, blocks.at(at), at);
    if (header === null) {
      hasEnd = await isEnd(location, blocks, at);
      break;
    }
    if (count >= maxMembers)
      throw overLimit(location, "members", maxMembers, count + 1, "Allow more with maxMembers if you trust the archive.");
    const start = at;
    at += BLOCK;
    if (extended.isExtended(header)) {
      at += padded(await extended.take(header, at));
      continue;
    }
    const { raw, size, target, isFile } = extended.apply(header, blocks.at(start), start);
    const name = memberName(location, raw, isFile || target !== undefined);
    if (size > file.size - at) {
      throw archiveInvalid(location, `is cut short: the header says ${size} bytes, the file has ${file.size - at}`, {
        member: raw,
        offset: start,
      });
    }
    nameBytes += raw.length + (target?.length ?? 0);
    if (nameBytes > maxNameBytes) throw overLimit(location, "bytes of names", maxNameBytes, nameBytes, "Split the archive.");
    if (isFile) members.push({ name, kind: "file", offset: at, size });
    else if (target !== undefined) members.push({ name, kind: header.type as "link" | "symlink", offset: at, size: 0, target });
    at += padded(size);
  }
  if (extended.isPending) throw archiveInvalid(location, "ends after an extended header", { offset: at });
  return { members, hasEnd };
}

function decodeAt(location: string, block: Uint8Array, offset: number): DecodedHeader | null {
  try {
    return decodeHeader(block);
  } catch (cause) {
    throw archiveInvalid(location, "the header's checksum is wrong", { offset, cause });
  }
}

/** True for the two blocks of zeros that end a tar. After a single one, some programs read on and others do not. */
async function isEnd(location: string, blocks: BlockReader, at: number): Promise<boolean> {
  if (at + BLOCK >= blocks.size) return true;
  if (!blocks.has(at + BLOCK)) await blocks.load(at + BLOCK);
  if (blocks.at(at + BLOCK).every((b) => b === 0)) return true;
  throw archiveInvalid(location, "there is a single block of zeros between members", { offset: at });
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Reads blocks of the file, many at a time where they are close together. */
class BlockReader {
  readonly #file: TarSource;
  #window: Uint8Array = new Uint8Array();
  #start = 0;

  constructor(file: TarSource) {
    this.#file = file;
  }

  get size(): number {
    return this.#file.size;
  }

  /** True if {@link at} can return the block: most are in memory, so that a scan seldom waits. */
  has(offset: number): boolean {
    const within = offset - this.#start;
    return within >= 0 && within + BLOCK <= this.#window.length;
  }

  /** Returns a block that is in memory. */
  at(offset: number): Uint8Array {
    const within = offset - this.#start;
    return this.#window.subarray(within, within + BLOCK);
  }

  /** Reads a block into memory. @throws OcilotError `ARCHIVE_INVALID` if the file ends within the block */
  async load(offset: number): Promise<void> {
    // One block where members are large, so that content is not read; many where headers follow each other.
    const isNear = offset >= this.#start && offset - this.#start <= WINDOW;
    const length = Math.min(isNear ? WINDOW : BLOCK, this.size - offset);
    if (length < BLOCK) throw archiveInvalid(this.#file.location, "is cut short within a header", { offset });
    this.#window = await this.#file.read(offset, length);
    this.#start = offset;
  }
}
