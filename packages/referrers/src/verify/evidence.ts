import type { Digest, IndexEntry, IndexSnapshot } from "@ocilot/layout";
import type { Statement } from "../evidence/statement.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import type { LayoutView } from "../view/layout-view.js";
import type { Content, VerifyProgress } from "./blob-content.js";
import type { Inventory } from "./blob-uses.js";
import type { Finding } from "./finding.js";

/** What is verified, and against what. */
export interface VerifyOptions {
  /** Only what these lead to, with every referrer; each as `Layout.resolve` takes it (default: everything). */
  readonly references?: readonly string[] | undefined;
  /** Raise warnings to errors, and also platforms that are missing without a note that a copy left them out. */
  readonly strict?: boolean | undefined;
  /** `presence` looks at names and sizes only, and hashes nothing but manifests: for a registry, which checks content itself (default: `hash`). */
  readonly content?: "hash" | "presence" | undefined;
  /** Blobs that are known to be elsewhere, as in a part of a bundle: their absence is a note and no error. */
  readonly elsewhere?: ReadonlySet<Digest> | undefined;
  /** Every platform of every image has to be present. */
  readonly requireComplete?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: VerifyProgress) => void) | undefined;
  /** Threads for large blobs, besides the calling one (default: one for each other core; 0: none). */
  readonly workers?: number | undefined;
}

/** What was checked and found. */
export interface VerifyResult {
  /** Errors first. */
  readonly findings: readonly Finding[];
  readonly checked: { readonly manifests: number; readonly blobs: number; readonly bytes: number; readonly referrers: number };
  /** What requirements, receipts and repairs go on from; absent where `index.json` cannot be read. */
  readonly evidence?: VerifyEvidence;
}

/** A layout as a verification has seen it. */
export interface VerifyEvidence {
  readonly snapshot: IndexSnapshot;
  /** The entries that were requested. */
  readonly entries: readonly IndexEntry[];
  readonly view: LayoutView;
  readonly graph: ReferrerGraph;
  readonly inventory: Inventory;
  readonly contents: ReadonlyMap<Digest, Content>;
  /** What the referrers state, by `edgeKey`, read from their content; no signature is verified. */
  readonly statements: ReadonlyMap<string, readonly Statement[]>;
}
