import { type IndexEdit, type IndexSnapshot, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout/web";
import type { ConventionId } from "../graph/edge.js";
import { subjectEdge } from "../graph/referrer-graph.js";
import { draftEdits } from "../records/draft-edits.js";
import { IndexDraft } from "../records/index-draft.js";
import { openView } from "../view/open-view.js";
import { readGraph } from "../conventions/read-graph.js";
import type { NewBlob } from "../view/layout-view.js";
import { EMPTY_BLOB, EMPTY_DESCRIPTOR } from "../write/artifact-manifest.js";
import { conventionsToWrite, projectAll } from "../write/project-records.js";
import { refuseRegistry } from "../view/refuse-registry.js";
import { type Lift, type LiftSource, type NotLifted, planLifts } from "./plan-lift.js";

/** Which links are lifted, and how they are recorded. */
export interface LiftOptions extends WriteOptions {
  /** Lift only links of these (default: all except `legacy`). */
  readonly from?: readonly LiftSource[];
  /** Only tell what would be done. */
  readonly dryRun?: boolean;
}

/** What `lift` did, or would do. */
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

/**
 * Adds, for each link whose manifest has no `subject`, a manifest that has one, with the same layers. The original stays,
 * and so does every record of it; the new ones are recorded as the layout already does it, else in `universal`, by one
 * replacement of `index.json`. A second run changes nothing. A crash leaves unreferenced blobs, or the complete result.
 * @throws OcilotError `CONVERSION_REFUSED` where they cannot be recorded, and what writing throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { lift } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { lifted, left } = await lift(layout, { dryRun: true });
 * console.log(lifted.length, left.length);
 * ```
 */
export async function lift(layout: Layout, options: LiftOptions = {}): Promise<LiftResult> {
  refuseRegistry(layout, "links are rewritten in layouts only", "Copy the image to a layout, lift the links there, and copy it back.");
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
  const conventions = await conventionsToWrite(before);
  const draft = new IndexDraft(view);
  // Links without a subject are not recorded again: the lifted ones are to be found.
  const refusals = await projectAll(
    draft,
    graph.filter((e) => e.link === "S"),
    conventions,
  );
  const to = conventions.map((c) => c.id);
  if (refusals.length > 0) throw refused(to, refusals);
  const { blobs: lists, edits } = await draftEdits(draft, view, graph);
  const needsEmpty = blobs.some((b) => b.text.includes(EMPTY_DESCRIPTOR.digest));
  return { result: { ...result, conventions: to }, blobs: [...(needsEmpty ? [EMPTY_BLOB] : []), ...blobs, ...lists], edits };
}

function refused(to: readonly ConventionId[], reasons: readonly string[]): OcilotError<"CONVERSION_REFUSED"> {
  return new OcilotError(
    "CONVERSION_REFUSED",
    `not lifted: ${reasons[0]}`,
    { to: to.join(","), reasons },
    { hint: "Nothing was changed. Fix the cause, then run the command again." },
  );
}
