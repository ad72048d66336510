import type { Descriptor } from "../spec/descriptor.js";
import type { BlobExtent } from "../storage.js";
import { type EncodableHeader, encodeHeader, encodePax } from "./tar-header.js";

const BLOCK = 512;
const ZEROS = new Uint8Array(2 * BLOCK);
/** What comes behind the last member. */
export const END: Uint8Array = ZEROS;
/** What is told of at once, of a large member. */
const TELL_BYTES = 8 << 20;

/** A file of a new archive; a name that ends in `/` is a directory, whose size is 0. */
export interface ArchiveMember {
  readonly name: string;
  readonly size: number;
  /** The content, exactly as long as `size` says. Called once, when its turn has come. */
  open?(): Iterable<Uint8Array> | Promise<Iterable<Uint8Array> | AsyncIterable<Uint8Array>>;
  /** Where the content is a blob: in the place of `open` it may then be moved from where it lies, beside others. */
  readonly blob?: { readonly descriptor: Descriptor; extent(): Promise<BlobExtent | undefined> };
}

/** Told of bytes of a member that have been dealt with, and with `isWhole` when all of it has been. */
export type MemberProgress = (event: { readonly member: ArchiveMember; readonly bytes: number; readonly isWhole: boolean }) => void;

/**
 * The bytes of a tar. They depend on names and contents alone: no time, owner or mode of the machine gets in.
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

/** What a member is, without header and padding. @throws what it throws, and where it is not as long as it says */
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
  // The stream of a blob has checked this already; a tar with a wrong size would be of no use to anybody.
  if (seen !== member.size) throw new Error(`${member.name}: ${member.size} bytes were promised, ${seen} came`);
  onProgress?.({ member, bytes: seen - told, isWhole: true });
}

/** One header, or where the name does not fit, a PAX header and then one under a shorter name. */
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

/** What fills the last block of a member. */
export function padding(size: number): Uint8Array {
  return ZEROS.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}
