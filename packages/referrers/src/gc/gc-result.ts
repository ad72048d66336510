import type { Digest } from "@ocilot/layout/spec";

/** What decides about what is removed. */
export interface PlanOptions {
  /** Age in milliseconds below which an unreferenced blob stays (default: one hour). */
  readonly grace?: number;
  /** Remove the records of referrers whose subject is missing, and the referrers of those. */
  readonly pruneDangling?: boolean;
  /** Return what would be done; write nothing. */
  readonly dryRun?: boolean;
  signal?: AbortSignal;
}

/** A step of garbage collection, in their order. */
export type GcStep = "prune" | "mark" | "scan" | "sweep";

/** What a step did: a count and bytes. */
export interface StepFigures {
  readonly count: number;
  readonly bytes: number;
}

/** Why an unreferenced blob stays. */
export type KeepReason = "young" | "unknown-algorithm";

/** A blob that garbage collection removes. */
export interface Garbage {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** What garbage collection did, or would do. */
export interface GcResult {
  readonly dryRun: boolean;
  readonly steps: Readonly<Record<GcStep, StepFigures>>;
  readonly removed: readonly Garbage[];
  readonly spared: readonly (Garbage & { readonly reason: KeepReason })[];
  /** Links whose records were removed. */
  readonly pruned: readonly { readonly subject: Digest; readonly referrer: Digest }[];
  /** Referrers of kept manifests that no record lists; they stay. */
  readonly unlisted: readonly Digest[];
}

/** Returns the sums over blobs, or over the figures of some steps. */
export function figuresOf(items: readonly ({ readonly size: number } | StepFigures)[]): StepFigures {
  let [count, bytes] = [0, 0];
  for (const item of items) {
    count += "count" in item ? item.count : 1;
    bytes += "count" in item ? item.bytes : item.size;
  }
  return { count, bytes };
}
