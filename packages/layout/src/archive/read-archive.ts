import { digestOf } from "../content/hash.js";
import { Pace } from "../filesystem/pace.js";
import { shellWord } from "../filesystem/shell-word.js";
import { type Digest, blobDigest } from "../spec/digest.js";
import { DOCKER_FILES } from "../spec/docker-images.js";
import { INDEX_FILE, type IndexSnapshot, MAX_INDEX_BYTES, parseIndex } from "../spec/index-snapshot.js";
import { MARKER_FILE, MARKER_TEXT, MAX_MARKER_BYTES } from "../spec/layout-marker.js";
import { MAX_MANIFEST_BYTES } from "../spec/manifest.js";
import type { BlobStore, ExtraFile, IndexFile, LayoutBackend, LayoutWarning } from "../storage.js";
import { overLimit, refuseWrite } from "./archive-error.js";
import type { ArchiveOptions } from "./archive-options.js";
import { BlobChooser, lastExtent, readDocument } from "./contents.js";
import { readDockerArchive } from "./docker-archive.js";
import { findLayout, foreignFilesWarning, markerMissingWarning, noEndMarkWarning, notALayout } from "./layout-in-archive.js";
import { type Extent, type NamedContent, filesOf } from "./members.js";
import { DEFAULT_MAX_MEMBERS, scanMembers } from "./scan.js";
import { looksLikeTar, looksLikeZip } from "./sniff.js";
import type { TarSource } from "./tar-source.js";

/** What `ocilot bundle` puts beside the files of a layout: the description of the bundle, and pieces of blobs. */
const BUNDLE_MEMBER = /^ocilot-bundle\.json$|^blobs\/[a-z0-9]+\/[0-9a-f]+\.part-\d+-of-\d+(?:\.sha256)?$/;
const KNOWN_FILES: ReadonlySet<string> = new Set([MARKER_FILE, INDEX_FILE, ...DOCKER_FILES]);

/** Makes the store of blobs whose content is in the tar, or in memory. */
export type MakeBlobs = (blobs: ReadonlyMap<Digest, Extent | Uint8Array>) => BlobStore;

/**
 * Reads the layout in an uncompressed tar: the headers, and the small documents. The blobs stay where they are.
 * @throws OcilotError as `openArchive`
 */
export async function readArchive(
  file: TarSource,
  makeBlobs: MakeBlobs,
  { maxMembers = DEFAULT_MAX_MEMBERS, signal }: Pick<ArchiveOptions, "maxMembers" | "signal">,
): Promise<Omit<LayoutBackend, "close">> {
  const { location } = file;
  const head = await file.read(0, Math.min(512, file.size));
  if (head.length < 512 || !looksLikeTar(head)) {
    const hint = looksLikeZip(head) ? `It is a zip file; unpack it first: unzip ${shellWord(location)} -d NEW-DIRECTORY` : undefined;
    throw notALayout(location, "is neither a directory nor a tar archive", "not-an-archive", hint);
  }
  const { members, hasEnd } = await scanMembers(file, { maxMembers, ...(signal && { signal }) });
  const found = findLayout(location, await filesOf(location, members, signal));
  const warnings = [...(hasEnd ? [] : [noEndMarkWarning(location)]), ...found.warnings];
  if (found.kind === "layout") return await readLayout(file, found.files, { warnings, signal, makeBlobs });
  const docker = await readDockerArchive(file, found.files, signal);
  return {
    location,
    blobs: makeBlobs(docker.blobs),
    index: archiveIndex(location, docker.index),
    marker: MARKER_TEXT,
    warnings: [...warnings, ...docker.warnings],
  };
}

async function readLayout(
  file: TarSource,
  files: ReadonlyMap<string, NamedContent>,
  how: { readonly warnings: readonly LayoutWarning[]; readonly signal: AbortSignal | undefined; readonly makeBlobs: MakeBlobs },
): Promise<LayoutBackend> {
  const { warnings, signal, makeBlobs } = how;
  const { location } = file;
  const read = async (name: string, maxBytes: number): Promise<Uint8Array | undefined> =>
    await readDocument(file, files, name, { maxBytes, signal });
  const marker = await read(MARKER_FILE, MAX_MARKER_BYTES);
  const index = (await read(INDEX_FILE, MAX_INDEX_BYTES))!;
  const documents: Record<string, Uint8Array> = {};
  for (const name of DOCKER_FILES) {
    const bytes = await read(name, MAX_MANIFEST_BYTES);
    if (bytes !== undefined) documents[name] = bytes;
  }
  const blobs = new Map<Digest, Extent>();
  const extraFiles = new Map<string, ExtraFile>();
  const chooser = new BlobChooser(file, signal);
  const pace = new Pace(signal);
  for (const [name, content] of files) {
    if (pace.isDue) await pace.rest();
    const digest = blobDigest(name);
    if (digest !== undefined) blobs.set(digest, await chooser.choose(digest, content));
    else if (!KNOWN_FILES.has(name)) extraFiles.set(name, extraFile(file, name, lastExtent(content)));
  }
  const foreign = [...extraFiles.keys()].filter((name) => !BUNDLE_MEMBER.test(name));
  return {
    location,
    blobs: makeBlobs(blobs),
    index: archiveIndex(location, index),
    marker: marker ?? MARKER_TEXT,
    warnings: [
      ...warnings,
      ...(marker === undefined ? [markerMissingWarning(location)] : []),
      ...(foreign.length > 0 ? [foreignFilesWarning(location, foreign)] : []),
    ],
    extraFiles,
    dockerDocuments: async () => documents,
    putDockerDocument: async () => refuseWrite(location),
  };
}

function extraFile(file: TarSource, name: string, { offset, size }: Extent): ExtraFile {
  return {
    size,
    async bytes(maxBytes) {
      if (size > maxBytes) throw overLimit(file.location, `bytes of ${name}`, maxBytes, size, "Check where the archive comes from.");
      return await file.read(offset, size);
    },
    open: () => file.stream(offset, size),
  };
}

/** `index.json` of an archive, parsed when it is first read, as that of a directory is. */
function archiveIndex(location: string, bytes: Uint8Array): IndexFile {
  let snapshot: IndexSnapshot | undefined;
  return {
    read: async () => (snapshot ??= parseIndex(bytes, digestOf(bytes))),
    update: async () => refuseWrite(location),
  };
}
