import type { RecordEdit } from "@ocilot/layout/spec";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import type { LayoutView, NewBlob } from "../view/layout-view.js";
import { type IndexDraft, placeChanges } from "./index-draft.js";
import { recordKeys } from "./record-keys.js";

/** What has to be written so that the layout becomes what a draft is: blobs first, then one update of `index.json`. */
export interface DraftEdits {
  readonly blobs: readonly NewBlob[];
  readonly edits: readonly RecordEdit[];
}

/**
 * The edits that turn `base` into the draft, each added entry in its canonical place.
 * @param graph the links of `base`, by which its records are told from foreign entries
 */
export async function draftEdits(draft: IndexDraft, base: LayoutView, graph: ReferrerGraph): Promise<DraftEdits> {
  const { changes, blobs } = draft.projection();
  const keys = await recordKeys(graph, base);
  return { blobs, edits: placeChanges(changes, base.entries.length, (position) => keys.get(position)) };
}
