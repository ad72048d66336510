import { type IndexSnapshot, type Layout } from "@ocilot/layout";
import { type ReferrerEdge, edgeKey } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { openView } from "../layout-view.js";
import { isLiftable, liftedLinks } from "../lift/lifted.js";
import { readGraph } from "../read-graph.js";
import type { LayoutView } from "../view.js";
import type { TrapCode } from "./trap-codes.js";

/** All that a diagnosis is made from; the blobs have been looked through for what nothing lists. */
export interface Examination {
  readonly layout: Layout;
  readonly snapshot: IndexSnapshot;
  readonly view: LayoutView;
  readonly graph: ReferrerGraph;
  /** The links that a tool should find: the manifest has a subject, and no other one says the same in a newer form. */
  readonly links: readonly ReferrerEdge[];
  /** The links that no tool can find by a subject, and that nobody has lifted. */
  readonly unlifted: readonly ReferrerEdge[];
}

/** Where a trap is. */
export interface TrapPlace {
  readonly message: string;
  readonly position?: number;
  readonly digest?: string;
  readonly tag?: string;
}

/** A trap that the layout has, before it is weighed. */
export interface Symptom {
  readonly code: TrapCode;
  readonly places: readonly TrapPlace[];
  /** Instead of the fix of the code. */
  readonly fix?: string;
  /** What `TAG` in the fix stands for, if the first place does not say it. */
  readonly tag?: string;
}

/** @throws OcilotError what reading `index.json` throws */
export async function examine(layout: Layout, signal?: AbortSignal): Promise<Examination> {
  const snapshot = await layout.index.read();
  const view = await openView(layout, { snapshot, scan: true, ...(signal && { signal }) });
  const graph = await readGraph(view);
  const lifted = await liftedLinks(graph, view);
  const edges = graph.edges().filter((e) => e.verified && !lifted.has(edgeKey(e)));
  return {
    layout,
    snapshot,
    view,
    graph,
    links: edges.filter((e) => e.link === "S"),
    unlifted: edges.filter(isLiftable),
  };
}

/** One symptom if there is any place, else none. */
export function symptom(code: TrapCode, places: readonly TrapPlace[], fix?: string, tag?: string): Symptom[] {
  return places.length === 0 ? [] : [{ code, places, ...(fix !== undefined && { fix }), ...(tag !== undefined && { tag }) }];
}
