import { type Descriptor, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout";
import type { ConventionId, ReferrerEdge } from "../edge.js";
import { copiedEntries, refuseTakenTags } from "./copied-entries.js";
import { recordCopy } from "./record-copy.js";
import { type CopySelection, type SelectOptions, selectCopy } from "./select-copy.js";
import { stageCopy } from "./staged-layout.js";
import { type CopyProgress, transferContent } from "./transfer-blobs.js";

export interface CopyOptions extends SelectOptions, WriteOptions {
  /** Write these conventions; unless told those that the target speaks, else those of the source, else `universal`. */
  readonly conventions?: readonly ConventionId[];
  /** Let a tag move that the target has on something else. */
  readonly force?: boolean;
  /** Share the files of the source's blobs where the file system can. */
  readonly link?: boolean;
  readonly onProgress?: (event: CopyProgress) => void;
  readonly signal?: AbortSignal;
}

export interface CopyResult {
  readonly root?: Descriptor;
  readonly tag?: string;
  readonly manifests: number;
  readonly referrers: number;
  /** Blobs that were written; those that were there are only counted. */
  readonly written: { readonly blobs: number; readonly bytes: number };
  readonly present: number;
  /** Children left out because of their platform. */
  readonly omitted: readonly Descriptor[];
  /** What the source lacks. Empty unless `allowMissing`. */
  readonly missing: readonly Descriptor[];
  /** Referrers of an index that `rewriteIndex` replaced: they sign what is no longer there. */
  readonly left: readonly ReferrerEdge[];
}

/**
 * Copies an image with its platforms and every referrer, of the image, of each platform, of each referrer; or a whole
 * layout. Blobs come first, then one replacement of the target's `index.json`, so a crash leaves the old target and
 * perhaps blobs that nothing names. A target given as a function is made only when nothing stands in the way any more.
 * Nothing that belongs to the copy is left out in silence.
 * @throws OcilotError `REF_NOT_FOUND`, `BLOB_NOT_FOUND`, `BLOB_CORRUPT`, `SIZE_MISMATCH`, `WRITE_REFUSED` for a taken
 * tag, `CONVERSION_REFUSED`, and what writing throws
 */
export async function copyLayout(source: Layout, target: Layout | (() => Promise<Layout>), options: CopyOptions = {}): Promise<CopyResult> {
  const selection = await selectCopy(source, options);
  await rehearse(source, target, selection, options);
  if (options.signal?.aborted === true) throw new OcilotError("ABORTED", "interrupted; nothing was copied", {});
  const destination = typeof target === "function" ? await target() : target;
  const figures = await transferContent(source, destination, selection, options);
  await recordCopy(selection, destination, options);
  return copyResult(selection, figures);
}

/** Finds what would be refused, before anything is written. */
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

/** What a copy has to tell, whatever it was made into. */
export function copyResult(selection: CopySelection, figures: Pick<CopyResult, "written" | "present">): CopyResult {
  const { roots, isWhole, manifests, edges, omitted, missing, left } = selection;
  const [only] = isWhole || roots.length > 1 ? [] : roots;
  return {
    ...(only !== undefined && { root: only.descriptor }),
    ...(only?.tag !== undefined && { tag: only.tag }),
    manifests,
    referrers: edges.length,
    ...figures,
    omitted,
    missing,
    left,
  };
}
