import { type Descriptor, Layout, memoryBackend } from "@ocilot/layout";
import { CombinedBlobs } from "./combined-blobs.js";
import { type CopyRecord, type RecordOptions, recordCopy } from "./record-copy.js";
import type { CopySelection } from "./select-copy.js";
import { putNewBlobs } from "./transfer-blobs.js";

/** A copy that is planned to the last byte of `index.json`, and what there is to report of it. */
export interface StagedCopy {
  readonly staged: Layout;
  readonly record: CopyRecord;
}

/**
 * Returns what a copy into an empty layout will be.
 * @throws OcilotError what recording a copy throws
 */
export async function stageCopy(source: Layout, selection: CopySelection, location: string, options: RecordOptions): Promise<StagedCopy> {
  const staged = stagedLayout(source, selection.content, location);
  await putNewBlobs(staged, selection);
  const record = await recordCopy(source, selection, staged, options);
  return { staged, record };
}

/**
 * Returns a layout of some blobs of another one, and in memory what is put into it. Plans over it see the result of the copy; nothing
 * is copied before it is written out.
 */
function stagedLayout(source: Layout, content: readonly Descriptor[], location: string): Layout {
  const blobs = new CombinedBlobs();
  blobs.add(source.blobs, content);
  return new Layout({ ...memoryBackend(), location, blobs });
}
