import type { Descriptor, Digest, RecordEdit } from "@ocilot/layout/spec";
import type { Problem } from "../graph/edge.js";
import type { DigestChange, UnrepresentableLink } from "../records/projection.js";
import type { NewBlob } from "../view/layout-view.js";

/** One step of a plan: writes a new list, or edits `index.json`. Positions are those of the base. */
export type Step = { readonly op: "put"; readonly descriptor: Descriptor; readonly text: string } | RecordEdit;

/** What a conversion would do. Plain data: it can be printed, stored and applied later. */
export interface Plan {
  /** The id of the target; the ids of several are joined by commas. */
  readonly to: string;
  readonly only: boolean;
  /** The digest of the `index.json` that the plan was made for. */
  readonly base: Digest;
  readonly referrers: number;
  /** Links in the layout: pairs of a subject and a referrer. */
  readonly edges: number;
  readonly steps: readonly Step[];
  /** Links that no target can represent. Their existing records are kept. A lifted link is not among them. */
  readonly losses: readonly UnrepresentableLink[];
  /** What some tools will not find after the conversion although it is recorded, and why. */
  readonly notes: readonly string[];
  /** Records that `only` would remove but that stay, and why. */
  readonly kept: readonly string[];
  /** Old → new digests; only a conversion to `buildkit` has any. */
  readonly digestChanges: readonly DigestChange[];
  /** Why the plan cannot be applied. A plan with a refusal is refused as a whole. */
  readonly refusals: readonly string[];
  /** Problems found in the layout, convention by convention. */
  readonly problems: readonly Problem[];
}

/** The steps of a plan that edit `index.json`. */
export function editsOf(plan: Plan): RecordEdit[] {
  return plan.steps.filter((s) => s.op !== "put");
}

/** The blobs that a plan writes. */
export function blobsOf(plan: Plan): NewBlob[] {
  return plan.steps.filter((s) => s.op === "put");
}
