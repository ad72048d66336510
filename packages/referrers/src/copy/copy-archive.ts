import type { Writable } from "node:stream";
import {
  type ArchiveOutput,
  type Layout,
  type MemberProgress,
  blobDigest,
  blobPath,
  layoutMembers,
  refuseTakenPath,
  writeArchive,
} from "@ocilot/layout";
import { openView } from "../view/open-view.js";
import { type CopyOptions, type CopyResult, copyResult } from "./copy-layout.js";
import { dropRedundant } from "./redundant-entries.js";
import { type DockerEntry, type DockerManifest, dockerManifest } from "./docker-manifest.js";
import { DEFAULT_REPOSITORY, nameImages } from "./docker-names.js";
import { type CopySelection, selectCopy } from "./select-copy.js";
import { type DockerSelection, mergeDockerFile } from "./docker-documents.js";
import { stageCopy } from "./staged-layout.js";
import type { CopyProgress } from "./transfer-blobs.js";

/** How an archive is written from a layout. */
export interface CopyArchiveOptions extends Omit<CopyOptions, "force" | "link" | "wait">, Omit<ArchiveOutput, "onMember"> {
  /**
   * Write an archive for `docker load`, `podman load` and `ctr image import`: with `manifest.json`, full image names, and by
   * default the `containerd` convention, because other records become useless images there.
   */
  readonly docker?: boolean;
  /** With `docker`: the repository of images of which the layout knows only a tag (default: `localhost/image`). */
  readonly repository?: string;
}

/** What was written into an archive. */
export interface CopyArchiveResult extends CopyResult {
  /** With `docker`: the images that can be loaded, and their names. */
  readonly docker?: readonly DockerEntry[];
}

/**
 * Copies images with their platforms and every referrer, or a whole layout, into a new tar: as `copyLayout` into an empty
 * layout, but in one pass and with no more memory than a few blobs' pieces. The same content gives the same bytes. A file
 * gets its name when it is whole; `-` is standard output.
 * @throws OcilotError `OUTPUT_EXISTS`, `ARCHIVE_INVALID` where Node has no zstd, and what `copyLayout` throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { copyToArchive } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { root, referrers } = await copyToArchive(layout, "./v1.tar", { references: ["v1"] });
 * console.log(root?.digest, referrers);
 * ```
 */
export async function copyToArchive(source: Layout, sink: string | Writable, options: CopyArchiveOptions = {}): Promise<CopyArchiveResult> {
  const { docker = false } = options;
  const location = typeof sink === "string" ? sink : "the stream";
  if (typeof sink === "string" && sink !== "-") await refuseTakenPath(sink, options.force ?? false);
  const selection = await selectCopy(source, options);
  const { content } = selection;
  const recorded = docker ? { ...options, conventions: options.conventions ?? (["containerd"] as const) } : options;
  const { staged, record } = await stageCopy(source, selection, location, recorded);
  const loadable = docker ? await makeLoadable(staged, options) : undefined;
  const text = loadable && withDockerOnly(loadable.text, selection.docker);
  const members = await layoutMembers(staged, text === undefined ? {} : { "manifest.json": text });
  await writeArchive(sink, members, { ...options, ...(options.onProgress && { onMember: counted(selection, options.onProgress) }) });
  const written = { blobs: content.length, bytes: content.reduce((sum, d) => sum + d.size, 0) };
  return { ...copyResult(selection, { written, present: 0 }, record), ...(loadable && { docker: loadable.images }) };
}

/** Adds the images that only the source's `manifest.json` lists. */
function withDockerOnly(text: string, docker: DockerSelection | undefined): string {
  const bytes = docker?.documents["manifest.json"];
  if (docker === undefined || bytes === undefined || docker.only.size === 0) return text;
  const items = (JSON.parse(new TextDecoder().decode(bytes)) as readonly { readonly Config: string }[]).filter((item) =>
    docker.only.has(blobDigest(item.Config)!),
  );
  const merged = mergeDockerFile("manifest.json", new TextEncoder().encode(text), new TextEncoder().encode(JSON.stringify(items)));
  return new TextDecoder().decode(merged);
}

/** Lists the images of a layout as Docker expects them. */
async function makeLoadable(staged: Layout, { conventions, repository = DEFAULT_REPOSITORY }: CopyArchiveOptions): Promise<DockerManifest> {
  // Requested conventions are written completely.
  if (conventions === undefined) await staged.index.update(async (snapshot) => await dropRedundant(await openView(staged, { snapshot })));
  const named = await staged.index.update((found) => nameImages(found, repository));
  return await dockerManifest(await openView(staged, { snapshot: named }));
}

/** Reports the progress of all blobs together; documents do not count. */
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
