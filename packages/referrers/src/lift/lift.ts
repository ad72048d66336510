import { type IndexEdit, type IndexSnapshot, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout";
import type { ConventionId } from "../edge.js";
import { subjectEdge } from "../graph.js";
import { IndexDraft, placeChanges } from "../index-draft.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import { recordKeys } from "../records.js";
import type { NewBlob } from "../view.js";
import { EMPTY_DESCRIPTOR } from "../write/artifact-manifest.js";
import { projectAll, writingConventions } from "../write/project-all.js";
import { type Lift, type LiftSource, type NotLifted, planLifts } from "./plan-lift.js";

export interface LiftOptions extends WriteOptions {
  /** Only links of these; all but `legacy` unless told. */
  readonly from?: readonly LiftSource[];
  /** Only tell what would be done. */
  readonly dryRun?: boolean;
}

export interface LiftResult {
  readonly dryRun: boolean;
  /** New manifests, each with the link that it stands for. */
  readonly lifted: readonly Lift[];
  /** Links that had such a manifest already. */
  readonly present: readonly Lift[];
  readonly left: readonly NotLifted[];
  /** Where the new manifests are recorded. */
  readonly conventions: readonly ConventionId[];
}

const EMPTY: NewBlob = { descriptor: EMPTY_DESCRIPTOR, text: "{}" };

/**
 * Adds, for each link whose manifest has no `subject`, a manifest that has one, with the same layers. The original stays,
 * and so does every record of it; the new ones are recorded as the layout already does it, else in `universal`, by one
 * replacement of `index.json`. Doing it twice changes nothing. A crash leaves blobs that nothing names, or the whole.
 * @throws OcilotError `CONVERSION_REFUSED` where they cannot be recorded, and what writing throws
 */
export async function lift(layout: Layout, options: LiftOptions = {}): Promise<LiftResult> {
  const base = await layout.index.read();
  const first = await prepare(layout, base, options);
  if (options.dryRun === true || first.edits.length === 0) return first.result;
  let result: LiftResult | undefined;
  await layout.index.update(async (snapshot) => {
    const prepared = snapshot.digest === base.digest ? first : await prepare(layout, snapshot, options);
    result = prepared.result;
    for (const { descriptor, text } of prepared.blobs) await layout.blobs.put(new TextEncoder().encode(text), { expect: descriptor });
    return prepared.edits;
  }, options);
  return result!;
}

interface Prepared {
  readonly result: LiftResult;
  readonly blobs: readonly NewBlob[];
  readonly edits: readonly IndexEdit[];
}

async function prepare(layout: Layout, snapshot: IndexSnapshot, options: LiftOptions): Promise<Prepared> {
  const before = await openView(layout, { snapshot, strict: true, ...(options.signal && { signal: options.signal }) });
  const graph = await readGraph(before);
  const { lifts, present, left, blobs } = await planLifts(layout, before, graph, options.from);
  const result = { dryRun: options.dryRun ?? false, lifted: lifts, present, left };
  if (lifts.length === 0) return { result: { ...result, conventions: [] }, blobs: [], edits: [] };
  const view = before.with({ blobs });
  for (const node of await view.nodes(lifts.map((l) => l.to))) graph.add(subjectEdge(node, { convention: "oras" })!);
  const conventions = await writingConventions(before);
  const draft = new IndexDraft(view);
  // The links without a subject are not recorded anew: it is the lifted ones that are to be found.
  const refusals = await projectAll(
    draft,
    graph.filter((e) => e.link === "S"),
    conventions,
  );
  const to = conventions.map((c) => c.id);
  if (refusals.length > 0) throw refused(to, refusals);
  const { changes, blobs: lists } = draft.projection();
  const keys = await recordKeys(graph, view);
  const edits = placeChanges(changes, view.entries.length, (position) => keys.get(position));
  const needsEmpty = blobs.some((b) => b.text.includes(EMPTY_DESCRIPTOR.digest));
  return { result: { ...result, conventions: to }, blobs: [...(needsEmpty ? [EMPTY] : []), ...blobs, ...lists], edits };
}

function refused(to: readonly ConventionId[], reasons: readonly string[]): OcilotError<"CONVERSION_REFUSED"> {
  return new OcilotError(
    "CONVERSION_REFUSED",
    `not lifted: ${reasons[0]}`,
    { to: to.join(","), reasons },
    { hint: "Nothing was changed. Mend the cause, then run it again." },
  );
}
