import type { FileHandle } from "node:fs/promises";
import { BlobMover } from "../mover/blob-mover.js";
import { type Piece, piecesFrom, writePieces } from "./pieces.js";
import { type ArchiveMember, END, type MemberProgress, contentOf, headersOf, padding } from "./tar-bytes.js";
import { watched } from "./watched.js";

/** A blob of this size or more is written separately, in parallel with others, in bytes. */
const APART_BYTES = 1 << 20;

/** How a plain tar is written. */
export interface PlainTarOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: MemberProgress | undefined;
  /** Called with what the members throw, which is not an error of the file. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Writes an uncompressed tar into an empty file. The position of each member is known in advance, so large blobs are moved straight to
 * their positions, several at once, and everything else is written around them in order. The bytes are those of `tarBytes`.
 * @throws OcilotError `ABORTED`; file-system errors as they come, and what the members throw
 */
export async function writePlainTar(file: FileHandle, members: readonly ArchiveMember[], options: PlainTarOptions): Promise<void> {
  const apart = placesApart(members);
  const largest = [...apart].toSorted(([a], [b]) => b.size - a.size);
  const mover = new BlobMover(
    largest.map(([member]) => member.size),
    { signal: options.signal },
  );
  const others = piecesAround(members, apart, options.onProgress);
  try {
    await mover.each(
      [
        async () => await writePieces(file, watched(others, options.onFault), () => mover.check()),
        ...largest.map(
          ([member, at]) =>
            async () =>
              await writeApart(file, member, at, mover, options),
        ),
      ],
      async (write) => await write(),
    );
  } finally {
    mover.close();
  }
}

/** Returns the blobs that are written separately, and where the content of each begins, in bytes. */
function placesApart(members: readonly ArchiveMember[]): Map<ArchiveMember, number> {
  const places = new Map<ArchiveMember, number>();
  const isApart = (m: ArchiveMember): boolean => m.blob !== undefined && m.size >= APART_BYTES;
  let at = 0;
  for (const member of members.slice(0, members.findLastIndex(isApart) + 1)) {
    for (const { length } of headersOf(member)) at += length;
    if (isApart(member)) places.set(member, at);
    at += member.size + padding(member.size).length;
  }
  return places;
}

async function* piecesAround(
  members: readonly ArchiveMember[],
  apart: ReadonlyMap<ArchiveMember, number>,
  onProgress: MemberProgress | undefined,
): AsyncIterable<Piece> {
  let at = 0;
  for (const member of members) {
    for (const bytes of headersOf(member)) {
      yield { at, bytes };
      at += bytes.length;
    }
    if (!apart.has(member)) yield* piecesFrom(at, contentOf(member, onProgress));
    at += member.size;
    const bytes = padding(member.size);
    yield { at, bytes };
    at += bytes.length;
  }
  yield { at, bytes: END };
}

async function writeApart(
  file: FileHandle,
  member: ArchiveMember,
  at: number,
  mover: BlobMover,
  { onProgress, onFault }: PlainTarOptions,
): Promise<void> {
  const { descriptor, extent: open } = member.blob!;
  const extent = await open().catch((error: unknown) => {
    onFault(error);
    throw error;
  });
  if (extent === undefined)
    return await writePieces(file, watched(piecesFrom(at, contentOf(member, onProgress)), onFault), () => mover.check());
  let told = 0;
  const onBytes = (bytes: number): void => {
    if (told + bytes >= member.size) return;
    told += bytes;
    onProgress?.({ member, bytes, isWhole: false });
  };
  try {
    await mover.move(extent, descriptor, { to: { fd: file.fd, offset: at }, onBytes });
  } finally {
    extent.close();
  }
  onProgress?.({ member, bytes: member.size - told, isWhole: true });
}
