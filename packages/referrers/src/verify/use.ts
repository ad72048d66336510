import type { Descriptor } from "@ocilot/layout/spec";
import type { ManifestNode } from "../view/layout-view.js";
import type { PathStep } from "./reference-path.js";

/** A descriptor in the layout, and the path to it. */
export interface Use {
  readonly descriptor: Descriptor;
  /** `"manifest"` where only a manifest makes sense: an entry, a child of an index, a subject, a referrer. */
  readonly slot: "manifest" | "blob";
  readonly steps: readonly PathStep[];
  readonly node: ManifestNode;
  /** The entries at which the path may begin, as far as they note that a copy left platforms out. */
  readonly roots: readonly Descriptor[];
}
