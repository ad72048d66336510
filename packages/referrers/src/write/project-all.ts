import type { IndexEdit, Layout } from "@ocilot/layout";
import { CONVENTIONS, UNIVERSAL, partsOf } from "../conventions/registry.js";
import type { Convention } from "../convention.js";
import type { ReferrerGraph } from "../graph.js";
import { type IndexDraft, placeChanges } from "../index-draft.js";
import { recordKeys } from "../records.js";
import type { LayoutView } from "../view.js";

/** The general conventions that a layout speaks: `universal`, or some of its parts. */
export async function spokenConventions(view: LayoutView): Promise<Convention[]> {
  if ((await UNIVERSAL.detect(view)).entries.length > 0) return [UNIVERSAL];
  const spoken: Convention[] = [];
  for (const part of partsOf(UNIVERSAL)) if ((await part.detect(view)).entries.length > 0) spoken.push(part);
  return spoken;
}

/** The conventions that new referrers are written in: those that the first of these layouts speaks, or all at once. */
export async function writingConventions(...views: readonly LayoutView[]): Promise<Convention[]> {
  for (const view of views) {
    const spoken = await spokenConventions(view);
    if (spoken.length > 0) return spoken;
  }
  return [UNIVERSAL];
}

/** Lets each convention say what the graph says; the refusals of any are the refusals of all. */
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
export async function writeDraft(layout: Layout, draft: IndexDraft, base: LayoutView, graph: ReferrerGraph): Promise<IndexEdit[]> {
  const { changes, blobs } = draft.projection();
  for (const { descriptor, text } of blobs) await layout.blobs.put(new TextEncoder().encode(text), { expect: descriptor });
  const keys = await recordKeys(graph, base);
  return placeChanges(changes, base.entries.length, (position) => keys.get(position));
}

/** The conventions of those ids; an unknown id is left out. */
export function conventionsOf(ids: readonly string[]): Convention[] {
  return CONVENTIONS.filter((c) => ids.includes(c.id));
}
