import { type RecordEdit, type Layout, OcilotError } from "@ocilot/layout/web";
import { maintainedConventions } from "../conventions/maintained-conventions.js";
import { CONVENTIONS, UNIVERSAL, partsOf } from "../conventions/registry.js";
import type { Convention } from "../conventions/convention.js";
import type { ConventionId } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { draftEdits } from "../records/draft-edits.js";
import type { IndexDraft } from "../records/index-draft.js";
import type { LayoutView, NewBlob } from "../view/layout-view.js";

/** Returns the general conventions in use: `universal`, or some of its parts. */
export async function conventionsInUse(view: LayoutView): Promise<Convention[]> {
  if ((await UNIVERSAL.detect(view)).entries.length > 0) return [UNIVERSAL];
  const inUse: Convention[] = [];
  for (const part of partsOf(UNIVERSAL)) if ((await part.detect(view)).entries.length > 0) inUse.push(part);
  return inUse;
}

/** Returns conventions in use that are not built in, and are recorded in besides. */
async function addedInUse(view: LayoutView): Promise<Convention[]> {
  return (await maintainedConventions(view)).filter((c) => !CONVENTIONS.includes(c));
}

/** Returns the conventions in which new referrers are recorded: those in use in the first of these layouts, or `universal`. */
export async function conventionsToWrite(...views: readonly LayoutView[]): Promise<Convention[]> {
  for (const view of views) {
    const inUse = [...(await conventionsInUse(view)), ...(await addedInUse(view))];
    if (inUse.length > 0) return inUse;
  }
  return [UNIVERSAL];
}

/**
 * The conventions that can be written into a layout whose entries are no more than a digest and a tag, as in a registry: it finds a manifest with a
 * `subject` by itself, so an entry for each is all there is to write; tags of cosign's are tags like any other.
 */
export function registryConventions(ids: readonly ConventionId[] = ["oras"]): Convention[] {
  const wrong = ids.find((id) => id !== "oras" && id !== "cosign-tags");
  if (wrong === undefined) return conventionsOf(ids);
  throw new OcilotError(
    "CONVERSION_REFUSED",
    `a registry has no records of the convention ${wrong}`,
    { to: wrong, reasons: [`${wrong} is a way to record referrers in the index.json of a layout`] },
    { hint: "Leave out --convention: a registry finds referrers by their subject. Only cosign-tags adds something there." },
  );
}

/** Records the links of the graph in each convention. Returns why any of them refuses. */
export async function projectAll(draft: IndexDraft, graph: ReferrerGraph, conventions: readonly Convention[]): Promise<string[]> {
  const refusals: string[] = [];
  for (const convention of conventions) {
    const projection = await convention.project(graph, draft.view());
    draft.apply(projection);
    refusals.push(...projection.refusals);
  }
  return refusals;
}

/** Stores the lists of a draft and gives the edits that make `base` what the draft is, each addition in its canonical place. */
export async function writeDraft(
  layout: Layout,
  draft: IndexDraft,
  base: LayoutView,
  graph: ReferrerGraph,
): Promise<readonly RecordEdit[]> {
  const { blobs, edits } = await draftEdits(draft, base, graph);
  await putBlobs(layout, blobs);
  return edits;
}

/** Stores planned blobs. */
export async function putBlobs(layout: Layout, blobs: readonly NewBlob[]): Promise<void> {
  for (const { descriptor, text } of blobs) await layout.blobs.put(new TextEncoder().encode(text), { expect: descriptor });
}

/** Returns the conventions of those ids; an unknown id is left out. */
export function conventionsOf(ids: readonly string[], all: readonly Convention[] = CONVENTIONS): Convention[] {
  return all.filter((c) => ids.includes(c.id));
}
