import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import {
  type ArchiveMember,
  type Compression,
  type Layout,
  OCTET_STREAM,
  OcilotError,
  blobMember,
  blobPath,
  compressionOf,
  documentMember,
  ioError,
  isOcilotError,
  refuseTakenPath,
  renameOver,
  replaceFile,
  sweepTemps,
  tempName,
  writeArchive,
} from "@ocilot/layout";
import { BlobCursor } from "./blob-cursor.js";
import { type BundlePiece, pieceName } from "./bundle-document.js";
import { HashedFile } from "./hashed-file.js";
import { isUnfinishedSet, refuseOtherChecksum, refuseOtherSet, staleParts, staleSet } from "./parts-on-disk.js";
import { checksumName } from "./part-names.js";
import { type BundlePlan, openingMembers } from "./plan-bundle.js";

/** How the parts of a bundle are written. */
export interface BundleOutput {
  /** Compression (default: by the file suffix `.gz` or `.zst`; none for a stream). */
  readonly compression?: Compression;
  /** Write this part only, from 1. */
  readonly only?: number;
  /** Replace files that are there, also parts of an earlier set. */
  readonly force?: boolean;
  /** `false` skips fsync: faster, but data may be lost on power failure (default: true). */
  readonly sync?: boolean;
  readonly signal?: AbortSignal;
  /** Called with the number of bytes written of how many, before compression. */
  readonly onProgress?: (event: { readonly bytes: number; readonly totalBytes: number }) => void;
}

/**
 * Writes a bundle that is one file or a stream: the same plan gives the same bytes. A file gets its name when it is whole.
 * @throws OcilotError `OUTPUT_EXISTS`, `UNSUPPORTED` where Node has no zstd, `ABORTED`, `IO_ERROR`, and what reading blobs throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { planBundle, stageBundle, writeBundle } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const plan = await planBundle(await stageBundle([{ layout }]), { name: "images.tar" });
 * await writeBundle(plan, process.stdout);
 * ```
 */
export async function writeBundle(plan: BundlePlan, sink: string | Writable, options: BundleOutput = {}): Promise<void> {
  const totalBytes = plan.content.parts[0]!.size;
  let bytes = 0;
  await writeArchive(sink, membersOf(plan, 1), {
    ...archiveOptions(options),
    onMember: (event) => options.onProgress?.({ bytes: (bytes += event.bytes), totalBytes }),
  });
}

/**
 * Writes the parts of a bundle into a directory, and beside them `NAME.sha256` for `sha256sum -c`. Parts are written under temporary names
 * and renamed when all are whole; what a killed run leaves, the next one removes or replaces: the checksums come last, so parts of this very
 * set without them are those of a run that did not end. With `only` the other parts and the checksums stay as
 * they are, and must be of the same set.
 * @param path the file that the parts are named after
 * @throws OcilotError as {@link writeBundle}, and `OUTPUT_EXISTS` where parts of another set are there, with `only` `WRITE_REFUSED`
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { planBundle, stageBundle, writeParts } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const plan = await planBundle(await stageBundle([{ layout }]), { name: "images.tar", limit: 4_000_000_000 });
 * console.log(await writeParts(plan, "./images.tar"));
 * ```
 */
export async function writeParts(plan: BundlePlan, path: string, options: BundleOutput = {}): Promise<string[]> {
  const directory = dirname(path);
  const { parts } = plan.content;
  const { only, force = false, sync = true } = options;
  if (only !== undefined) await refuseOtherSet(plan, path, only);
  if (only !== undefined && (only < 1 || only > parts.length))
    throw new OcilotError("USAGE", `there is no part ${only}: the bundle has ${parts.length}`, { argument: "only-part" });
  const numbers = only === undefined ? parts.map((_, i) => i + 1) : [only];
  const names = numbers.map((n) => parts[n - 1]!.name);
  const isUnfinished = only === undefined && (await isUnfinishedSet(plan, path));
  for (const name of names) await refuseTakenPath(join(directory, name), force || isUnfinished);
  const others = await staleParts(directory, basename(path), new Set(names));
  const stale = only === undefined ? others : [];
  if (stale.length > 0 && !force) throw staleSet(join(directory, stale[0]!), stale.length);
  await sweepTemps(directory);
  const total = numbers.reduce((sum, n) => sum + parts[n - 1]!.size, 0);
  let done = 0;
  const onBytes = (n: number): void => options.onProgress?.({ bytes: (done += n), totalBytes: total });
  const temps: string[] = [];
  const cursors = new Map<string, BlobCursor>();
  const checksums: string[] = [];
  try {
    for (const number of numbers) {
      const temp = join(directory, tempName());
      temps.push(temp);
      const compression = options.compression ?? compressionOf(path);
      checksums.push(
        await writeHashed(temp, membersOf(plan, number, cursors), {
          ...options,
          path: join(directory, parts[number - 1]!.name),
          size: parts[number - 1]!.size,
          compression,
          sync,
          onBytes,
        }),
      );
    }
    if (only !== undefined && (options.compression ?? compressionOf(path)) === "none")
      await refuseOtherChecksum(path, names[0]!, checksums[0]!);
    if (options.signal?.aborted === true) throw new OcilotError("ABORTED", "interrupted; no part was written", {});
    for (const [i, temp] of temps.entries()) await renameOver(temp, join(directory, names[i]!));
    for (const name of stale) await rm(join(directory, name), { force: true });
  } catch (error) {
    throw ioError(error, path);
  } finally {
    for (const cursor of cursors.values()) cursor.close();
    // What cannot be removed now, the next run removes.
    for (const temp of temps) await rm(temp, { force: true }).catch(() => undefined);
  }
  if (only === undefined) {
    const text = checksums.map((sum, i) => `${sum}  ${names[i]}\n`).join("");
    const checksumPath = join(directory, checksumName(basename(path)));
    await replaceFile(directory, checksumPath, new TextEncoder().encode(text), { sync }).catch((error: unknown) => {
      throw ioError(error, checksumPath);
    });
  }
  return names.map((name) => join(directory, name));
}

function archiveOptions({ compression, force, sync, signal }: BundleOutput): Parameters<typeof writeArchive>[2] {
  return {
    ...(compression !== undefined && { compression }),
    ...(force !== undefined && { force }),
    ...(sync !== undefined && { sync }),
    ...(signal && { signal }),
  };
}

/** The members of a part, in their order: what it is, then all manifests, then its own content. */
function membersOf(plan: BundlePlan, number: number, cursors: Map<string, BlobCursor> = new Map()): ArchiveMember[] {
  const { layout, manifests } = plan.staged;
  const { blobs, piece } = plan.content.parts[number - 1]!;
  const member = ({ digest, size }: (typeof blobs)[number]): ArchiveMember =>
    blobMember(layout.blobs, { mediaType: OCTET_STREAM, digest, size });
  const opening = openingMembers(plan, number).map(({ name, text }) =>
    name.endsWith("/") ? { name, size: 0 } : documentMember(name, text),
  );
  return [...opening, ...manifests.map(member), ...blobs.map(member), ...(piece === undefined ? [] : pieceMembers(layout, piece, cursors))];
}

/** A piece, and its checksum behind it: the whole blob is checked only where all pieces are. */
function pieceMembers(layout: Layout, piece: BundlePiece, cursors: Map<string, BlobCursor>): ArchiveMember[] {
  const name = pieceName(blobPath(piece.digest), piece);
  const hash = createHash("sha256");
  let cursor = cursors.get(piece.digest);
  if (cursor === undefined) cursors.set(piece.digest, (cursor = new BlobCursor(layout.blobs, piece)));
  return [
    { name, size: piece.length, open: async () => hashed(cursor.take(piece.offset, piece.length), hash) },
    { name: `${name}.sha256`, size: 64, open: () => [Buffer.from(hash.digest("hex"))] },
  ];
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Writes an archive and returns the sha256 of the file; `path` is how errors name it. */
async function writeHashed(
  temp: string,
  members: readonly ArchiveMember[],
  { path, size, sync, ...options }: HashedOutput,
): Promise<string> {
  const file = await HashedFile.create(temp, { size, sync }).catch((error: unknown) => {
    throw ioError(error, path);
  });
  try {
    const { compression, signal, onBytes } = options;
    await writeArchive(file.sink, members, { compression, ...(signal && { signal }), onMember: (event) => onBytes(event.bytes) });
    return await file.finish();
  } catch (error) {
    throw isOcilotError(error, "IO_ERROR") && error.details.path === "the stream" ? ioError(error.cause, path) : error;
  } finally {
    await file.close();
  }
}

interface HashedOutput extends BundleOutput {
  readonly path: string;
  readonly size: number;
  readonly compression: Compression;
  readonly sync: boolean;
  readonly onBytes: (n: number) => void;
}
