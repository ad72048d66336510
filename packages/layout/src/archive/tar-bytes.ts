import { type EncodableHeader, encodeHeader, encodePax } from "./tar-header.js";

const BLOCK = 512;

/** A file of a new archive; a name that ends in `/` is a directory, whose size is 0. */
export interface ArchiveMember {
  readonly name: string;
  readonly size: number;
  /** The content, exactly as long as `size` says. Called once, when its turn has come. */
  open?(): Iterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

/**
 * The bytes of a tar. They depend on names and contents alone: no time, owner or mode of the machine gets in.
 * @throws what the members throw
 */
export async function* tarBytes(members: Iterable<ArchiveMember>): AsyncIterable<Uint8Array> {
  for (const { name, size, open } of members) {
    yield* headersOf(name, size);
    let seen = 0;
    for await (const chunk of (await open?.()) ?? []) {
      seen += chunk.length;
      yield chunk;
    }
    // The stream of a blob has checked this already; a tar with a wrong size would be of no use to anybody.
    if (seen !== size) throw new Error(`${name}: ${size} bytes were promised, ${seen} came`);
    yield padding(size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** One header, or where the name does not fit, a PAX header and then one under a shorter name. */
function* headersOf(name: string, size: number): Iterable<Uint8Array> {
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

function padding(size: number): Uint8Array {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The same bytes in fewer, larger pieces: small ones are held back and handed on together, large ones are not copied. */
export async function* batches(chunks: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    batch.push(chunk);
    bytes += chunk.length;
    // As many pieces as one system call takes.
    if (bytes < size && batch.length < 1000) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
