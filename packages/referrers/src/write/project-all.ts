import type { IndexEdit, Layout } from "@ocilot/layout";
import { CONVENTIONS, UNIVERSAL, partsOf } from "../conventions/registry.js";
import type { Convention } from "../convention.js";
import type { ReferrerGraph } from "../graph.js";
import { type IndexDraft, placeChanges } from "../index-draft.js";
import { recordKeys } from "../records.js";
import type { LayoutView } from "../view.js";

/** The parts of `universal` that a layout speaks. */
export async function spokenParts(view: LayoutView): Promise<Convention[]> {
  const spoken: Convention[] = [];
  for (const part of partsOf(UNIVERSAL)) if ((await part.detect(view)).entries.length > 0) spoken.push(part);
  return spoken;
}

/** The conventions that new referrers are written in: those the layout speaks, or all at once if it speaks none. */
export async function spokenConventions(view: LayoutView): Promise<Convention[]> {
  const spoken = await spokenParts(view);
  return spoken.length === 0 || spoken.length === partsOf(UNIVERSAL).length ? [UNIVERSAL] : spoken;
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
