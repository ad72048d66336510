import { type Digest, OcilotError } from "@ocilot/layout/spec";
import type { Convention } from "../conventions/convention.js";
import { readGraph } from "../conventions/read-graph.js";
import { conventionsFor, partsOf } from "../conventions/registry.js";
import type { ConventionId } from "../graph/edge.js";
import type { ReferrerEdge } from "../graph/edge.js";
import { ReferrerGraph, subjectEdge } from "../graph/referrer-graph.js";
import { type DraftEdits, draftEdits } from "../records/draft-edits.js";
import { IndexDraft } from "../records/index-draft.js";
import { replacedLists } from "../records/replaced-lists.js";
import { detachedDigests, detachedEdit } from "../view/detached.js";
import type { LayoutView, NewBlob } from "../view/layout-view.js";
import { notReferrer } from "./compose-manifest.js";
import { insertionEdits, nearbyEntries } from "./nearby-entries.js";
import { conventionsOf, conventionsToWrite, projectAll, registryConventions } from "./project-records.js";
import { appendSettled } from "./settled-append.js";

/** The edits that record a referrer, and the lists that are not referenced any more after them. */
export interface RecordedReferrer extends DraftEdits {
  readonly replaced: readonly Digest[];
}

/** Returns the view as if the manifest were stored, and the edge that it makes. @throws OcilotError `WRITE_REFUSED` */
async function withManifest(view: LayoutView, manifest: NewBlob): Promise<{ planned: LayoutView; edge: ReferrerEdge }> {
  const planned = view.with({ blobs: [manifest] });
  const [node] = await planned.nodes([manifest.descriptor]);
  const edge = subjectEdge(node!, { convention: "oras" });
  if (edge === undefined) throw notReferrer(manifest.descriptor.digest, "it cannot be read as a manifest with a subject");
  return { planned, edge };
}

/**
 * What records a new referrer in the conventions asked for, or in those in use. Where each referrer has an entry of its own, or
 * `universal` says everything of the subject already, only a few entries are read; otherwise the whole layout is.
 * @param view the layout without the new manifest
 * @throws OcilotError `WRITE_REFUSED`, `CONVERSION_REFUSED`
 */
export async function recordReferrer(
  view: LayoutView,
  manifest: NewBlob,
  ids: readonly ConventionId[] | undefined,
): Promise<RecordedReferrer> {
  const { planned, edge } = await withManifest(view, manifest);

  const near = await nearbyEntries(planned, [edge.subject, edge.referrer.digest]);
  if (near !== undefined) {
    const conventions = await chosen(near, ids);
    if (conventions.flatMap(partsOf).every((c) => c.traits.shape === "individual")) {
      const draft = new IndexDraft(near);
      await project(draft, new ReferrerGraph([edge]), conventions);
      return { blobs: [], edits: await insertionEdits(planned, draft.projection().changes), replaced: [] };
    }
  }

  const isUniversal = ids === undefined || (ids.length === 1 && ids[0] === "universal");
  const appended = isUniversal ? await appendSettled(planned, edge) : undefined;
  if (appended !== undefined) return appended;

  const graph = await readGraph(planned);
  graph.add(edge);
  const draft = new IndexDraft(planned);
  const detached = detachedDigests(view.annotations);
  // It may be attached again before an interrupted detach of it is finished.
  if (detached.delete(edge.referrer.digest)) draft.apply({ changes: [detachedEdit(detached)], blobs: [] });
  await project(draft, graph, await chosen(planned, ids));
  return { ...(await draftEdits(draft, planned, graph)), replaced: await replacedLists(planned, draft.view()) };
}

/**
 * What records a new referrer in a registry: an entry for it is all there is to add, whatever else the registry lists.
 * @param view the layout without the new manifest
 * @throws OcilotError `WRITE_REFUSED`, `CONVERSION_REFUSED`
 */
export async function recordInRegistry(
  view: LayoutView,
  manifest: NewBlob,
  ids: readonly ConventionId[] | undefined,
): Promise<RecordedReferrer> {
  const { planned, edge } = await withManifest(view, manifest);

  const draft = new IndexDraft(planned.narrow(({ descriptor: d }) => d.digest === edge.subject || d.digest === edge.referrer.digest));
  await project(draft, new ReferrerGraph([edge]), registryConventions(ids));
  const added = draft.projection().changes.filter((c) => c.op === "add");
  const edits = added.map((c) => ({ op: "insert" as const, before: view.entries.length, descriptor: c.descriptor }));
  return { blobs: [], edits, replaced: [] };
}

async function chosen(view: LayoutView, ids: readonly ConventionId[] | undefined): Promise<Convention[]> {
  return ids === undefined ? await conventionsToWrite(view) : conventionsOf(ids, conventionsFor(view.origin));
}

async function project(draft: IndexDraft, graph: ReferrerGraph, conventions: readonly Convention[]): Promise<void> {
  const reasons = await projectAll(draft, graph, conventions);
  if (reasons.length === 0) return;
  throw new OcilotError(
    "CONVERSION_REFUSED",
    `not attached: ${reasons[0]}`,
    { to: conventions.map((c) => c.id).join(","), reasons },
    { hint: "index.json is unchanged. Fix the cause, or record it in another convention with --convention." },
  );
}
