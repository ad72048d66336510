import type { Convention } from "../conventions/convention.js";
import { maintainedConventions } from "../conventions/maintained-conventions.js";
import { partsOf } from "../conventions/registry.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { IndexDraft } from "../records/index-draft.js";
import type { DigestChange, UnrepresentableLink } from "../records/projection.js";
import type { LayoutView } from "../view/layout-view.js";

/** A target of a conversion, or one of the conventions that it is made of, and the links that it cannot represent. */
export interface DraftedTarget {
  readonly convention: Convention;
  readonly losses: readonly UnrepresentableLink[];
}

/** `index.json` with the records of the targets, before anything is removed. */
export interface DraftedConversion {
  readonly draft: IndexDraft;
  readonly targets: readonly DraftedTarget[];
  /** The same for the conventions that the targets are made of. */
  readonly parts: readonly DraftedTarget[];
  /** Conventions in use that could not be brought up to date, and why. */
  readonly kept: readonly string[];
  readonly refusals: readonly string[];
  readonly digestChanges: readonly DigestChange[];
}

/**
 * Records every link of the graph in the conventions that stay in use, and then in the targets.
 * @param maintained the conventions to bring up to date besides the targets
 */
export async function draftTargets(
  view: LayoutView,
  graph: ReferrerGraph,
  targets: readonly Convention[],
  maintained: readonly Convention[],
): Promise<DraftedConversion> {
  const draft = new IndexDraft(view);
  const kept: string[] = [];
  const drafted: DraftedTarget[] = [];
  const parts: DraftedTarget[] = [];
  const refusals: string[] = [];
  const digestChanges: DigestChange[] = [];
  // Conventions in use come first, so that the lists of the targets share entries that are right already.
  for (const convention of maintained) {
    const projection = await convention.project(graph, draft.view());
    draft.apply(projection);
    kept.push(...projection.refusals.map((reason) => `${convention.id} is not brought up to date: ${reason}`));
  }
  for (const convention of targets) {
    const projection = await convention.project(graph, draft.view());
    draft.apply(projection);
    drafted.push({ convention, losses: projection.losses });
    for (const part of partsOf(convention)) {
      parts.push({ convention: part, losses: projection.partLosses?.get(part.id) ?? projection.losses });
    }
    refusals.push(...projection.refusals);
    digestChanges.push(...(projection.digestChanges ?? []));
  }
  return { draft, targets: drafted, parts, kept, refusals, digestChanges };
}

/** The conventions in use, other than the targets, that a conversion brings up to date. */
export async function conventionsBeside(view: LayoutView, targets: readonly Convention[]): Promise<Convention[]> {
  const own = new Set(targets.flatMap((t) => [t, ...partsOf(t)]));
  return (await maintainedConventions(view)).filter((c) => !own.has(c) && partsOf(c).length === 1);
}
