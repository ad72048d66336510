import type { Digest } from "@ocilot/layout";
import type { ManifestProblem } from "@ocilot/referrers";
import type { KindCounts } from "./kind-text.js";

/** One platform of an image index, or a manifest in it that has none. */
export interface PlatformRow {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly platform?: string;
  readonly size: number;
  /** False where the manifest is missing, as in a copy of some platforms only, or cannot be read. */
  readonly present: boolean;
  /** Why it is not present. */
  readonly problem?: ManifestProblem;
  readonly referrers: number;
  /** How many statements of each kind the referrers hold; one referrer may hold several. */
  readonly kinds: KindCounts;
}

/** An image, or an artifact that stands for itself: what an entry of `index.json` names, however many entries do. */
export interface ImageRow extends PlatformRow {
  readonly tags: readonly string[];
  /** Full names, as containerd and Docker keep them. */
  readonly names: readonly string[];
  readonly artifactType?: string;
  /** The file that lists it, where `index.json` does not. */
  readonly file?: string;
  readonly platforms: readonly PlatformRow[];
}
