import { type IndexSnapshot, type Layout } from "@ocilot/layout/web";
import { type ReferrerEdge, edgeKey } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { openView } from "../view/open-view.js";
import { isLiftable, liftedLinks } from "../lift/lifted.js";
import { readGraph } from "../conventions/read-graph.js";
import type { LayoutView } from "../view/layout-view.js";
import type { TrapCode } from "./trap-codes.js";

/** What a diagnosis is made from; unreferenced blobs have been searched for referrers. */
export interface Examination {
  readonly layout: Layout;
  readonly snapshot: IndexSnapshot;
  readonly view: LayoutView;
  readonly graph: ReferrerGraph;
  /** The links that a tool should find: the manifest has a subject and was not lifted. */
  readonly links: readonly ReferrerEdge[];
  /** The links that no tool can find by a subject and that were not lifted. */
  readonly unlifted: readonly ReferrerEdge[];
}

/** Where a trap is. */
export interface TrapLocation {
  readonly message: string;
  readonly position?: number;
  readonly digest?: string;
  readonly tag?: string;
}

/** A trap of the layout, before its severity is decided. */
export interface Symptom {
  readonly code: TrapCode;
  readonly places: readonly TrapLocation[];
  /** Replaces the fix of the code. */
  readonly fix?: string;
  /** The value of `TAG` in the fix, if the first place has none. */
  readonly tag?: string;
}

/** @throws OcilotError what reading `index.json` throws */
export async function examine(layout: Layout, signal?: AbortSignal): Promise<Examination> {
  const snapshot = await layout.index.read();
  const view = await openView(layout, { snapshot, scan: true, ...(signal && { signal }) });
  const graph = await readGraph(view);
  const lifted = await liftedLinks(graph, view);
  const edges = graph.edges().filter((e) => e.verified && (lifted.size === 0 || !lifted.has(edgeKey(e))));
  return {
    layout,
    snapshot,
    view,
    graph,
    links: edges.filter((e) => e.link === "S"),
    unlifted: edges.filter(isLiftable),
  };
}

/** Returns one symptom if there is any place, else none. */
export function symptom(code: TrapCode, places: readonly TrapLocation[], fix?: string, tag?: string): Symptom[] {
  return places.length === 0 ? [] : [{ code, places, ...(fix !== undefined && { fix }), ...(tag !== undefined && { tag }) }];
}
