import { type Descriptor, type Digest, type Layout, type Platform, manifestKind } from "@ocilot/layout/web";
import { type ImagePlatforms, imagePlatforms } from "../platform/image-platforms.js";
import { choosePlatform } from "../platform/resolve-platform.js";
import { platformShare, withArtifacts } from "../platform/sparse-platforms.js";
import type { LayoutView } from "../view/layout-view.js";
import type { RootEntry } from "./copied-entries.js";

/** The platforms of the roots of a copy, and which of them it takes. */
export interface PlatformChoice {
  readonly tables: ReadonlyMap<Digest, ImagePlatforms>;
  /** The images of the requested platforms; empty where none was requested. */
  readonly taken: ReadonlySet<Digest>;
  /** The images of other platforms and the artifacts about them. */
  readonly leaveOut: ReadonlySet<Digest>;
}

/**
 * Returns which children of the roots a copy of some platforms takes.
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`
 */
export async function choosePlatforms(
  source: Layout,
  view: LayoutView,
  roots: readonly Descriptor[],
  wanted: readonly Platform[] | undefined,
): Promise<PlatformChoice> {
  const tables = new Map<Digest, ImagePlatforms>();
  for (const root of wanted === undefined ? roots.filter(isImageIndex) : roots)
    if (!tables.has(root.digest)) tables.set(root.digest, await imagePlatforms(source, view, root));
  const taken = new Set(
    (wanted ?? []).flatMap((p) => roots.map((root) => choosePlatform(tables.get(root.digest)!.images, root, p).descriptor.digest)),
  );
  const leaveOut = new Set<Digest>();
  for (const table of wanted === undefined ? [] : tables.values()) {
    const others = table.images.map((i) => i.descriptor.digest).filter((digest) => !taken.has(digest));
    for (const digest of withArtifacts(table, others)) leaveOut.add(digest);
  }
  return { tables, taken, leaveOut };
}

/** Returns a root with the platforms of it that a copy takes, so that the absence of the others is not taken for damage. */
export function withShare(root: RootEntry, { tables }: PlatformChoice, out: ReadonlySet<Digest>): RootEntry {
  if (!isImageIndex(root.descriptor)) return root;
  const share = platformShare(tables.get(root.descriptor.digest)!, (d) => !out.has(d.digest));
  return share === undefined ? root : { ...root, share };
}

function isImageIndex({ mediaType }: Descriptor): boolean {
  return /index|list/.test(manifestKind(mediaType) ?? "");
}
