import type { ConventionId, Problem, ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import type { Projection } from "../records/projection.js";
import type { LayoutView } from "../view/layout-view.js";

/** What a convention can represent. */
export interface ConventionTraits {
  /** `"individual"`: one entry per referrer; `"list"`: one response index per subject; `"other"`: neither. */
  readonly shape: "individual" | "list" | "other";
  /** Can it hold a link whose manifest has no `subject`? */
  readonly nEdges: boolean;
  /** Can a conversion have it as its target? */
  readonly target: boolean;
}

/** Why a convention counts as in use: its entries, its flags, and problems with them. */
export interface Detection {
  readonly entries: readonly { readonly position: number; readonly reason: string }[];
  /** Annotations of `index.json` that belong to the convention. */
  readonly flags: readonly string[];
  readonly problems: readonly Problem[];
}

/** One way of recording who refers to whom. Reads and plans; never writes. */
export interface Convention {
  readonly id: ConventionId;
  readonly title: string;
  readonly traits: ConventionTraits;
  /** Returns the entries that record links in this convention, and why. */
  detect(view: LayoutView): Promise<Detection>;
  /** Returns the edges that this convention's own records state; S-edges under the subject that their manifest names. */
  read(view: LayoutView): Promise<readonly ReferrerEdge[]>;
  /** Returns what to add or update so that this convention records every edge of the graph. */
  project(graph: ReferrerGraph, view: LayoutView): Promise<Projection>;
  /** Returns what to remove of this convention's records; an entry that another convention uses too loses only its annotation. */
  withdraw(graph: ReferrerGraph, view: LayoutView): Promise<Projection>;
}
