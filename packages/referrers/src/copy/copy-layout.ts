import { countReferrers } from "../graph/count-referrers.js";
import { type Descriptor, type Digest, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout";
import type { ConventionId, ReferrerEdge } from "../graph/edge.js";
import { type MovedName, copiedEntries, refuseTakenTags } from "./copied-entries.js";
import { type CopyRecord, recordCopy } from "./record-copy.js";
import { replaceCorruptManifests } from "./replace-corrupt.js";
import { type RefusedReferrer, ReferrerRefusals } from "./referrer-refusals.js";
import { type CopySelection, type SelectOptions, selectCopy } from "./select-copy.js";
import { stageCopy } from "./staged-layout.js";
import { type CopyProgress, transferContent } from "./transfer-blobs.js";

/** What is copied between layouts, and how it is recorded. */
export interface CopyOptions extends SelectOptions, WriteOptions {
  /** Write these conventions (default: those that the target uses, else those of the source, else `universal`). */
  readonly conventions?: readonly ConventionId[];
  /** Move a tag that the target has on another manifest. */
  readonly force?: boolean;
  /** Share the files of the source's blobs where the file system can. */
  readonly link?: boolean;
  readonly onProgress?: (event: CopyProgress) => void;
  readonly signal?: AbortSignal;
}

type Figures = Pick<CopyResult, "written" | "present">;

/** What was copied, and what was not. */
export interface CopyResult {
  readonly root?: Descriptor;
  readonly tag?: string;
  readonly manifests: number;
  readonly referrers: number;
  /** Blobs that were written; those that were present are only counted. */
  readonly written: { readonly blobs: number; readonly bytes: number };
  readonly present: number;
  /** The platforms of an image index that were copied. */
  readonly platforms: readonly string[];
  /** Children that were left out because of their platform. */
  readonly omitted: readonly Descriptor[];
  /** Children that the source lacks by design: a copy or export left their platforms out. */
  readonly absent: readonly Descriptor[];
  /** Referrers of what was copied that were left out because of their kind. */
  readonly unchosen: readonly ReferrerEdge[];
  /** Referrers that the registry refused to take; whatever refers to them was left out too. */
  readonly refused: readonly RefusedReferrer[];
  /** Layers that are not distributed with the image: tools download them from the URLs in their descriptors. */
  readonly undistributed: readonly Descriptor[];
  /** Content that the source lacks. Empty unless `allowMissing`. */
  readonly missing: readonly Descriptor[];
  /** The index that `rewriteIndex` replaced: nothing that signs it covers the copy. */
  readonly replaced?: Digest;
  /** Referrers of the index that `rewriteIndex` replaced; they are not copied. */
  readonly left: readonly ReferrerEdge[];
  /** Names that another manifest of the target had, with `force`. */
  readonly moved: readonly MovedName[];
  /** Files that list images and that the target cannot hold. */
  readonly notCarried: readonly string[];
  /** Content that the source's `index.json` names in a member that a later one of the same name replaces; it was not copied. */
  readonly replacedEntries: readonly Digest[];
  /** Blobs of the source that are not referenced and were not copied; only counted in a copy of everything. */
  readonly unreferenced: { readonly blobs: number; readonly bytes: number };
}

/**
 * Copies an image with its platforms and every referrer, of the image, of each platform, of each referrer; or a whole
 * layout. Blobs are written first, then the target's `index.json` is replaced once, so a crash leaves the old target and
 * perhaps unreferenced blobs. A target given as a function is created only when nothing can be refused any more.
 * Whatever belongs to the copy and is not copied is an error or in the result. A registry that refuses a referrer for its type is named in
 * the result too, and the rest is copied; one that refuses part of the image is an error.
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`, `BLOB_NOT_FOUND`, `BLOB_CORRUPT`, `SIZE_MISMATCH`, `WRITE_REFUSED` for a
 * taken tag, `CONVERSION_REFUSED`, and what writing throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { copyLayout } from "@ocilot/referrers";
 *
 * const source = await Layout.open("./layout");
 * const { manifests, referrers } = await copyLayout(source, () => Layout.create("./copy"), { references: ["v1"] });
 * console.log(manifests, referrers);
 * ```
 */
export async function copyLayout(source: Layout, target: Layout | (() => Promise<Layout>), options: CopyOptions = {}): Promise<CopyResult> {
  // Manifests have the same bytes everywhere; those of the nearer side need not come over the network.
  if (typeof target !== "function") source.blobs.readNear?.(target.blobs);
  if (typeof target !== "function") target.blobs.readNear?.(source.blobs);
  const intoRegistry = typeof target !== "function" && !target.keepsEntries;
  const selection = await selectCopy(source, { ...options, withoutLists: intoRegistry });
  await rehearse(source, target, selection, options);
  if (options.signal?.aborted === true) throw new OcilotError("ABORTED", "interrupted; nothing was copied", {});
  const destination = typeof target === "function" ? await target() : target;
  const refusals = new ReferrerRefusals(source, selection);
  const isThere = typeof target !== "function" && !intoRegistry;
  const replaced = isThere ? await replaceCorruptManifests(source, target, selection.content, options.signal) : [];
  const moved = await transferContent(source, destination, selection, { ...options, onRefused: refusals.onRefused });
  const figures = withReplaced(moved, replaced);
  const taken = await refusals.taken();
  return copyResult(taken.selection, figures, await recordCopy(source, taken.selection, destination, options), taken.refused);
}

/** What was written in place of a corrupt blob was not there before. */
function withReplaced({ written, present }: Figures, replaced: readonly Descriptor[]): Figures {
  const bytes = replaced.reduce((sum, d) => sum + d.size, 0);
  return { written: { blobs: written.blobs + replaced.length, bytes: written.bytes + bytes }, present: present - replaced.length };
}

/** Throws what would be refused, before anything is written. */
async function rehearse(
  source: Layout,
  target: Layout | (() => Promise<Layout>),
  selection: CopySelection,
  options: CopyOptions,
): Promise<void> {
  if (typeof target !== "function") {
    if (options.force !== true) refuseTakenTags(await copiedEntries(selection), (await target.index.read()).entries);
    return;
  }
  await stageCopy(source, selection, source.location, options);
}

/** Returns what there is to report of a copy, into whatever it was made. */
export function copyResult(
  selection: CopySelection,
  figures: Figures,
  record: CopyRecord,
  refused: readonly RefusedReferrer[] = [],
): CopyResult {
  const { roots, isWhole, manifests, platforms, edges, omitted, unchosen, absent, undistributed, missing, replaced, left, unreferenced } =
    selection;
  const { replacedEntries } = selection;
  const [only] = isWhole || roots.length > 1 ? [] : roots;
  return {
    ...(only !== undefined && { root: only.descriptor }),
    ...(only?.tag !== undefined && { tag: only.tag }),
    manifests,
    referrers: countReferrers(edges),
    ...figures,
    platforms,
    omitted,
    unchosen,
    refused,
    absent,
    undistributed,
    missing,
    ...(replaced !== undefined && { replaced }),
    left,
    ...record,
    replacedEntries,
    unreferenced: { blobs: unreferenced.length, bytes: unreferenced.reduce((sum, b) => sum + b.size, 0) },
  };
}
