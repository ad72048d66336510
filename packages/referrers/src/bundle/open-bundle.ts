import { createHash } from "node:crypto";
import {
  type ArchiveOptions,
  type BlobListing,
  type Descriptor,
  type ExtraFile,
  type Layout,
  OCTET_STREAM,
  OcilotError,
  blobPath,
  isIoFailure,
  isOcilotError,
  openArchive,
} from "@ocilot/layout";
import {
  BUNDLE_FILE,
  type BlobSize,
  type BundleDocument,
  type BundlePart,
  MAX_BUNDLE_DOCUMENT,
  parseBundleDocument,
  pieceName,
} from "./bundle-document.js";

/** A file of a bundle, open for reading. */
export interface OpenBundle {
  /** As it was given. */
  readonly file: string;
  readonly layout: Layout;
  readonly document: BundleDocument;
  /** What the description says of this file. */
  readonly part: BundlePart;
  /** All manifests of the bundle, which every part holds. */
  readonly manifests: readonly BlobSize[];
}

/**
 * Opens a file of a bundle, checks its description and `index.json`, and that everything it should hold is there. Blobs are checked when
 * they are read. Close the layout when done.
 * @throws OcilotError `NOT_A_LAYOUT` for an archive that is no bundle, `ARCHIVE_INVALID` for a damaged part, and what `openArchive` throws
 * @example
 * ```ts
 * import { openBundle } from "@ocilot/referrers";
 *
 * const { layout, document } = await openBundle("./images.tar");
 * console.log(document.roots.map((root) => root.digest));
 * await layout.close();
 * ```
 */
export async function openBundle(file: string, options: ArchiveOptions = {}): Promise<OpenBundle> {
  const layout = await openArchive(file, options);
  try {
    const extra = layout.extraFiles.get(BUNDLE_FILE);
    if (extra === undefined) throw notABundle(file);
    const document = parseBundleDocument(await extra.bytes(MAX_BUNDLE_DOCUMENT), `${inMessages(file)}: ${BUNDLE_FILE}`);
    const part = document.parts[document.part - 1]!;
    if ((await layout.index.read()).digest !== document.index)
      throw damagedPart(file, document, "index.json is not the one that the description names");
    for (const blob of part.blobs)
      if ((await layout.blobs.size(blob.digest)) !== blob.size)
        throw damagedPart(file, document, `${blob.digest} is missing or has another size`);
    if (part.piece !== undefined && pieceFile(layout, part.piece) === undefined)
      throw damagedPart(file, document, `the piece ${part.piece.number} of ${part.piece.digest} is missing`);
    return { file, layout, document, part, manifests: await manifestsOf(layout, document) };
  } catch (error) {
    await layout.close();
    throw error;
  }
}

/** Returns the bytes of the piece in a part; the stream fails at its end if they are not those of its checksum. */
export async function* openPiece({ file, layout, document, part }: OpenBundle): AsyncIterable<Uint8Array> {
  const { piece } = part;
  const content = piece && pieceFile(layout, piece);
  const checksum = piece && layout.extraFiles.get(`${pieceName(blobPath(piece.digest), piece)}.sha256`);
  if (content === undefined || checksum === undefined) throw damagedPart(file, document, "a piece or its checksum is missing");
  const expected = new TextDecoder().decode(await checksum.bytes(64));
  yield* checked(content.open(), expected, () =>
    damagedPart(file, document, `the piece ${piece!.number} of ${piece!.digest} does not have its checksum`),
  );
}

async function* checked(stream: AsyncIterable<Uint8Array>, expected: string, damaged: () => OcilotError): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of stream) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest("hex") !== expected) throw damaged();
}

function pieceFile(layout: Layout, piece: NonNullable<BundlePart["piece"]>): ExtraFile | undefined {
  const found = layout.extraFiles.get(pieceName(blobPath(piece.digest), piece));
  return found?.size === piece.length ? found : undefined;
}

async function manifestsOf(layout: Layout, { parts, absent }: BundleDocument): Promise<BlobSize[]> {
  const content = new Set([...absent, ...parts.flatMap((p) => p.blobs)].map((b) => b.digest));
  const manifests: BlobListing[] = [];
  for await (const blob of layout.blobs.list()) if (!content.has(blob.digest)) manifests.push(blob);
  return manifests.map(({ digest, size }) => ({ digest, size }));
}

/** Returns the descriptors of blobs that are to be copied as they are. */
export function plainDescriptors(blobs: readonly BlobSize[]): Descriptor[] {
  return blobs.map(({ digest, size }) => ({ mediaType: OCTET_STREAM, digest, size }));
}

/** Tells whether an error says that the content of a part is damaged, and not that it could not be read or written. */
export function isDamage(error: unknown): error is OcilotError {
  if (!isOcilotError(error) || isIoFailure(error)) return false;
  return DAMAGE.has(error.code);
}

const DAMAGE: ReadonlySet<string> = new Set([
  "ARCHIVE_INVALID",
  "BLOB_CORRUPT",
  "SIZE_MISMATCH",
  "DOCUMENT_INVALID",
  "DESCRIPTOR_INVALID",
  "DIGEST_INVALID",
  "LAYOUT_INVALID",
  "UNSAFE_NAME",
  "LINK_OUTSIDE",
  "LIMIT_EXCEEDED",
  "NOT_A_LAYOUT",
]);

/** How messages name a file that was given. */
export function inMessages(file: string): string {
  return file === "-" ? "standard input" : file;
}

/** The error for a part that does not hold what it should. */
export function damagedPart(file: string, { part, parts }: BundleDocument, reason: string): OcilotError<"ARCHIVE_INVALID"> {
  return new OcilotError(
    "ARCHIVE_INVALID",
    `${inMessages(file)} is damaged: ${reason}`,
    { archive: file, reason },
    { hint: hintForPart({ part, parts }) },
  );
}

/** What to do about a file that is damaged. */
export function hintForPart({ part, parts }: Pick<BundleDocument, "part" | "parts">): string {
  return parts.length > 1
    ? `Copy the part again, or create it again with: ocilot bundle … --only-part ${part}`
    : "Copy it again from where it came from, or make the bundle again.";
}

function notABundle(file: string): OcilotError<"NOT_A_LAYOUT"> {
  return new OcilotError(
    "NOT_A_LAYOUT",
    `${inMessages(file)} is not a bundle: it has no ${BUNDLE_FILE}`,
    { path: file },
    { hint: `Copy a plain archive with: ocilot copy --all ${file} DIR` },
  );
}
