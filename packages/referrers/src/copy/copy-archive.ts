import type { Writable } from "node:stream";
import {
  type ArchiveOutput,
  type Layout,
  type MemberProgress,
  blobPath,
  layoutMembers,
  refuseTakenPath,
  writeArchive,
} from "@ocilot/layout";
import { openView } from "../layout-view.js";
import { type CopyOptions, type CopyResult, copyResult } from "./copy-layout.js";
import { dropNeedless } from "./docker-entries.js";
import { type DockerEntry, type DockerManifest, dockerManifest } from "./docker-manifest.js";
import { DEFAULT_REPOSITORY, nameImages } from "./docker-names.js";
import { type CopySelection, selectCopy } from "./select-copy.js";
import { stageCopy } from "./staged-layout.js";
import type { CopyProgress } from "./transfer-blobs.js";

export interface CopyArchiveOptions extends Omit<CopyOptions, "force" | "link" | "wait">, Omit<ArchiveOutput, "onMember"> {
  /**
   * Let `docker load`, `podman load` and `ctr image import` load it: with `manifest.json`, full image names, and unless told
   * otherwise the `containerd` convention, for other records become images of no use there.
   */
  readonly docker?: boolean;
  /** With `docker`: what stands before the colon where the layout knows only a tag; `localhost/image` unless told. */
  readonly repository?: string;
}

export interface CopyArchiveResult extends CopyResult {
  /** With `docker`: the images that can be loaded, and their names there. */
  readonly docker?: readonly DockerEntry[];
}

/**
 * Copies images with their platforms and every referrer, or a whole layout, into a new tar: as `copyLayout` into an empty
 * layout, but in one pass and with no more memory than a few blobs' pieces. The same content gives the same bytes. A file
 * gets its name when it is whole; `-` is standard output.
 * @throws OcilotError `OUTPUT_EXISTS`, `ARCHIVE_INVALID` where Node has no zstd, and what `copyLayout` throws
 */
export async function copyToArchive(source: Layout, sink: string | Writable, options: CopyArchiveOptions = {}): Promise<CopyArchiveResult> {
  const { docker = false } = options;
  const location = typeof sink === "string" ? sink : "the stream";
  if (typeof sink === "string" && sink !== "-") await refuseTakenPath(sink, options.force ?? false);
  const selection = await selectCopy(source, options);
  const { content } = selection;
  const recorded = docker ? { ...options, conventions: options.conventions ?? (["containerd"] as const) } : options;
  const staged = await stageCopy(source, selection, location, recorded);
  const loadable = docker ? await makeLoadable(staged, options) : undefined;
  const members = await layoutMembers(staged, loadable && { "manifest.json": loadable.text });
  await writeArchive(sink, members, { ...options, ...(options.onProgress && { onMember: counted(selection, options.onProgress) }) });
  const written = { blobs: content.length, bytes: content.reduce((sum, d) => sum + d.size, 0) };
  return { ...copyResult(selection, { written, present: 0 }), ...(loadable && { docker: loadable.images }) };
}

/** Lists the images of a layout as Docker wants them. */
async function makeLoadable(staged: Layout, { conventions, repository = DEFAULT_REPOSITORY }: CopyArchiveOptions): Promise<DockerManifest> {
  // Whoever asks for other records gets all of them.
  if (conventions === undefined) await staged.index.update(async (snapshot) => await dropNeedless(await openView(staged, { snapshot })));
  const named = await staged.index.update((found) => nameImages(found, repository));
  return await dockerManifest(await openView(staged, { snapshot: named }));
}

/** Tells of blobs as all of them together; documents are none. */
function counted({ content }: CopySelection, onProgress: (event: CopyProgress) => void): MemberProgress {
  const totalBytes = content.reduce((sum, d) => sum + d.size, 0);
  const names = new Set(content.map((d) => blobPath(d.digest)));
  let blobs = 0;
  let bytes = 0;
  return ({ member, bytes: more, isWhole }) => {
    if (!names.has(member.name)) return;
    bytes += more;
    if (isWhole) blobs++;
    onProgress({ blobs, totalBlobs: content.length, bytes, totalBytes });
  };
}
