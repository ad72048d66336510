import type { Digest } from "@ocilot/layout/spec";

/** What decides about what goes. */
export interface PlanOptions {
  /** Milliseconds that a blob must have been there untouched before it may go; one hour unless told. */
  readonly grace?: number;
  /** Take out the records of referrers whose subject is not in the layout, and their referrers. */
  readonly pruneDangling?: boolean;
  signal?: AbortSignal;
}

export type GcStep = "prune" | "mark" | "scan" | "sweep";

/** What a step did, in numbers: things and bytes. */
export interface StepFigures {
  readonly count: number;
  readonly bytes: number;
}

/** Why a blob stays although nothing needs it. */
export type SpareReason = "young" | "unknown-algorithm";

export interface Garbage {
  readonly digest: Digest;
  readonly size: number;
}

export interface GcResult {
  readonly dryRun: boolean;
  readonly steps: Readonly<Record<GcStep, StepFigures>>;
  readonly removed: readonly Garbage[];
  readonly spared: readonly (Garbage & { readonly reason: SpareReason })[];
  /** Links whose records were taken out. */
  readonly pruned: readonly { readonly subject: Digest; readonly referrer: Digest }[];
  /** Referrers of something kept that nothing lists; they stay. */
  readonly unlisted: readonly Digest[];
}

/** The figures of some blobs. */
export function figuresOf(blobs: readonly Garbage[]): StepFigures {
  return { count: blobs.length, bytes: blobs.reduce((sum, b) => sum + b.size, 0) };
}
