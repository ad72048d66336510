import { open, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  BlobMover,
  type Descriptor,
  type Digest,
  INDEX_FILE,
  Layout,
  errnoOf,
  ioError,
  isOcilotError,
  makeDirectory,
  memoryBackend,
  renameOver,
  replaceFile,
  splitDigest,
  sweepTemps,
  tempName,
  transferBlobs,
  verifiedStream,
} from "@ocilot/layout";
import { BUNDLE_FILE, type BlobSize, type BundleDocument, type BundlePiece, parseBundleDocument } from "./bundle-document.js";
import { CombinedBlobs } from "../copy/combined-blobs.js";
import { type OpenBundle, openPiece, plainDescriptors } from "./open-bundle.js";

/** How what has been received is kept. */
export interface ReceiveOptions {
  /** `false` skips fsync: faster, but data may be lost on power failure (default: true). */
  readonly sync?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A set of which some parts have arrived: its description, `index.json` and manifests, in a directory of the destination's state, so that a
 * later run can go on without the parts that it has seen; and pieces of large blobs until all of one are there. A crash leaves the directory
 * whole or a temporary one that the next run removes.
 */
export class ReceivedSet {
  readonly #directory: string;
  readonly document: BundleDocument;
  readonly #layout: Layout;
  /** All manifests of the bundle. */
  readonly manifests: readonly BlobSize[];

  private constructor(directory: string, document: BundleDocument, layout: Layout, manifests: readonly BlobSize[]) {
    this.#directory = directory;
    this.document = document;
    this.#layout = layout;
    this.manifests = manifests;
  }

  /** Opens every set that is waiting for more, the oldest first. */
  static async all(state: string): Promise<ReceivedSet[]> {
    const names = await readdir(state).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    });
    const sets: ReceivedSet[] = [];
    for (const name of names.filter((n) => /^[0-9a-f]{32}$/.test(n)).toSorted()) sets.push(await ReceivedSet.#open(join(state, name)));
    return sets.toSorted((a, b) => Date.parse(a.document.created ?? "1970") - Date.parse(b.document.created ?? "1970"));
  }

  /** Removes what a killed run left in a state, whether or not this one writes there. */
  static async sweep(state: string): Promise<void> {
    if (await exists(state)) await sweepTemps(state);
  }

  /** Returns the set of a part; keeps what every part of it holds, if none has arrived before. */
  static async of(state: string, bundle: OpenBundle, options: ReceiveOptions): Promise<ReceivedSet> {
    const directory = join(state, splitDigest(bundle.document.set).encoded.slice(0, 32));
    if (!(await exists(join(directory, BUNDLE_FILE)))) await keep(state, directory, bundle, options);
    return await ReceivedSet.#open(directory);
  }

  static async #open(directory: string): Promise<ReceivedSet> {
    const path = join(directory, BUNDLE_FILE);
    const document = parseBundleDocument(await readFile(path), path);
    const layout = await Layout.open(directory);
    const manifests: BlobSize[] = [];
    for await (const { digest, size } of layout.blobs.list()) manifests.push({ digest, size });
    return new ReceivedSet(directory, document, layout, manifests);
  }

  /** The bundle as a layout whose content is read from `content`. */
  async layoutOver(content?: { readonly layout: Layout; readonly blobs: readonly BlobSize[] }): Promise<Layout> {
    const blobs = new CombinedBlobs();
    blobs.add(this.#layout.blobs, this.manifests);
    if (content !== undefined) blobs.add(content.layout.blobs, content.blobs);
    const { text } = await this.#layout.index.read();
    return new Layout({ ...memoryBackend(text), location: "the bundle", blobs });
  }

  /** Keeps a piece, checked. A piece that is there already is not written again. */
  async keepPiece(bundle: OpenBundle, { sync = true, signal }: ReceiveOptions): Promise<void> {
    const piece = bundle.part.piece!;
    const mark = this.#pieceMark(piece);
    if (await exists(mark)) return;
    makeDirectory(join(this.#directory, "pieces"));
    const file = await open(this.#pieceFile(piece.digest), "a").then(async (made) => {
      await made.close();
      return await open(this.#pieceFile(piece.digest), "r+");
    });
    try {
      let at = piece.offset;
      for await (const chunk of openPiece(bundle)) {
        signal?.throwIfAborted();
        for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
        at += chunk.length;
      }
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await writeFile(mark, "");
  }

  /** Returns the blobs of which every piece is there, and how many pieces of the others are not. */
  async wholePieces(): Promise<BlobSize[]> {
    const whole: BlobSize[] = [];
    for (const [digest, pieces] of this.#pieces()) {
      const there = await Promise.all(pieces.map(async (piece) => await exists(this.#pieceMark(piece))));
      if (there.every(Boolean)) whole.push({ digest, size: pieces[0]!.size });
    }
    return whole;
  }

  /** Tells whether a piece has arrived. */
  async hasPiece(piece: BundlePiece): Promise<boolean> {
    return await exists(this.#pieceMark(piece));
  }

  /** Stores a blob whose pieces are all there, checked, without a second copy where the destination can take over the file. */
  async putWhole(blob: BlobSize, layout: Layout, { signal }: ReceiveOptions): Promise<void> {
    if ((await layout.blobs.size(blob.digest)) === blob.size) return;
    const [d] = plainDescriptors([blob]) as [Descriptor];
    const path = this.#pieceFile(blob.digest);
    if (layout.blobs.putFile !== undefined) {
      const mover = new BlobMover([], { signal });
      try {
        await checkFile(path, d);
        if (await layout.blobs.putFile(path, d, { link: true, mover })) return;
      } finally {
        mover.close();
      }
    }
    await layout.blobs.put(createReadStream(path, { highWaterMark: 1 << 20 }), { expect: d, ...(signal && { signal }) });
  }

  /** Removes the pieces of a blob that is stored, or that did not have its digest. */
  async dropPieces(digest: Digest): Promise<void> {
    for (const piece of this.#pieces().get(digest) ?? []) await rm(this.#pieceMark(piece), { force: true });
    await rm(this.#pieceFile(digest), { force: true });
  }

  /** Forgets the set: all of it is in the destination. */
  async remove(state: string): Promise<void> {
    const temp = join(state, tempName());
    await renameOver(this.#directory, temp);
    await rm(temp, { recursive: true, force: true });
  }

  #pieces(): Map<Digest, BundlePiece[]> {
    const pieces = new Map<Digest, BundlePiece[]>();
    for (const { piece } of this.document.parts)
      if (piece !== undefined) pieces.set(piece.digest, [...(pieces.get(piece.digest) ?? []), piece]);
    return pieces;
  }

  #pieceFile(digest: Digest): string {
    return join(this.#directory, "pieces", splitDigest(digest).encoded);
  }

  #pieceMark(piece: BundlePiece): string {
    return `${this.#pieceFile(piece.digest)}.${piece.number}`;
  }
}

/** Writes the directory of a set under a temporary name; what was left without a description is replaced. */
async function keep(
  state: string,
  directory: string,
  { layout, document, manifests }: OpenBundle,
  { sync = true, signal }: ReceiveOptions,
): Promise<void> {
  makeDirectory(state);
  const temp = join(state, tempName());
  try {
    const kept = await Layout.create(temp, { sync });
    await transferBlobs(layout, kept, plainDescriptors(manifests), { ...(signal && { signal }) });
    const write = async (name: string, bytes: Uint8Array): Promise<void> => await replaceFile(temp, join(temp, name), bytes, { sync });
    await write(INDEX_FILE, (await layout.index.read()).bytes);
    await write(BUNDLE_FILE, new TextEncoder().encode(JSON.stringify(document)));
    await rm(directory, { recursive: true, force: true });
    await renameOver(temp, directory);
  } catch (error) {
    await rm(temp, { recursive: true, force: true }).catch(() => undefined);
    // The temporary name says nothing to anybody.
    throw isOcilotError(error, "IO_ERROR") && error.details.path.startsWith(temp) ? ioError(error.cause, state) : error;
  }
}

/** @throws OcilotError `BLOB_CORRUPT`, `SIZE_MISMATCH` */
async function checkFile(path: string, d: Descriptor): Promise<void> {
  const check = verifiedStream(d);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), check.resume());
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
