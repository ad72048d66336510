import type { Descriptor } from "../spec/descriptor.js";
import type { BlobExtent } from "../mover/blob-extent.js";
import { type EncodableHeader, encodeHeader, encodePax } from "./tar-header.js";

const BLOCK = 512;
const ZEROS = new Uint8Array(2 * BLOCK);
/** The length of the end mark, in bytes. */
export const END_BYTES: number = 2 * BLOCK;
/** The end mark: two blocks of zeros. */
export const END: Uint8Array = ZEROS;
/** Progress within a large member is reported in steps of this many bytes. */
const TELL_BYTES = 8 << 20;

/** A file of a new archive. A name that ends in `/` is a directory, whose size is 0. */
export interface ArchiveMember {
  readonly name: string;
  readonly size: number;
  /** Opens the content, which must have exactly `size` bytes. Called once, when the member is written. */
  open?(): Iterable<Uint8Array> | Promise<Iterable<Uint8Array> | AsyncIterable<Uint8Array>>;
  /** For a blob: it may be moved from its file, in parallel with others, instead of being read with `open`. */
  readonly blob?: { readonly descriptor: Descriptor; extent(): Promise<BlobExtent | undefined> };
}

/** Called with the number of bytes of a member written since the last call, and with `isWhole` after the last of them. */
export type MemberProgress = (event: { readonly member: ArchiveMember; readonly bytes: number; readonly isWhole: boolean }) => void;

/**
 * Returns the bytes of a tar. They depend on names and contents only, not on the time, owner or modes of this machine.
 * @throws what the members throw
 */
export async function* tarBytes(members: Iterable<ArchiveMember>, onProgress?: MemberProgress): AsyncIterable<Uint8Array> {
  for (const member of members) {
    yield* headersOf(member);
    yield* contentOf(member, onProgress);
    yield padding(member.size);
  }
  yield END;
}

/**
 * Returns the content of a member, without header and padding.
 * @throws what the member throws; an error if its size is not what it says
 */
export async function* contentOf(member: ArchiveMember, onProgress?: MemberProgress): AsyncIterable<Uint8Array> {
  let seen = 0;
  let told = 0;
  for await (const chunk of (await member.open?.()) ?? []) {
    seen += chunk.length;
    yield chunk;
    if (seen - told < TELL_BYTES || seen >= member.size) continue;
    onProgress?.({ member, bytes: seen - told, isWhole: false });
    told = seen;
  }
  // The stream of a blob has checked this already; a tar with a wrong size could not be read.
  if (seen !== member.size) throw new Error(`${member.name}: ${member.size} bytes were promised, ${seen} came`);
  onProgress?.({ member, bytes: seen - told, isWhole: true });
}

/**
 * Returns the bytes that a member takes in a tar: header, content and padding.
 * @example
 * ```ts
 * import { END_BYTES, Layout, layoutMembers, memberBytes } from "@ocilot/layout";
 *
 * const members = await layoutMembers(await Layout.open("./layout"));
 * console.log(members.reduce((sum, member) => sum + memberBytes(member), END_BYTES), "bytes in a tar");
 * ```
 */
export function memberBytes(member: Pick<ArchiveMember, "name" | "size">): number {
  let bytes = member.size + padding(member.size).length;
  for (const block of headersOf(member)) bytes += block.length;
  return bytes;
}

/** Returns the header of a member; for a name that does not fit, a PAX header and then one under a shorter name. */
export function* headersOf({ name, size }: Pick<ArchiveMember, "name" | "size">): Iterable<Uint8Array> {
  const header: EncodableHeader = {
    name,
    mode: name.endsWith("/") ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: new Date(0),
    type: name.endsWith("/") ? "directory" : "file",
  };
  const plain = encodeHeader(header);
  if (plain !== null) return yield plain;
  const pax = encodePax(name);
  yield encodeHeader({ ...header, name: "PaxHeader", mode: 0o644, size: pax.length, type: "pax-header" })!;
  yield pax;
  yield padding(pax.length);
  yield encodeHeader({ ...header, name: "PaxMember" })!;
}

/** Returns the zeros that fill the last block of a member of `size` bytes. */
export function padding(size: number): Uint8Array {
  return ZEROS.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}
