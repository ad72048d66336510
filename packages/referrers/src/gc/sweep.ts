import { type Layout, OcilotError } from "@ocilot/layout/web";
import { type Garbage, type GcResult, type PlanOptions, figuresOf } from "./gc-result.js";
import { type GarbagePlan, HOUR, currentTime } from "./plan-garbage.js";

/** Removes what a plan names, except for what has been stored again since; returns what was removed. */
export async function sweep(
  layout: Layout,
  { files, detached, ...planned }: GarbagePlan,
  { grace = HOUR, signal }: PlanOptions,
): Promise<GcResult> {
  const before = (await currentTime(layout)) - grace + 1;
  const removed: Garbage[] = [];
  const young: Garbage[] = [];
  for (const blob of planned.removed) {
    if (signal?.aborted) throw new OcilotError("ABORTED", `interrupted after ${removed.length} of ${planned.removed.length} blobs`, {});
    const isGone = await layout.blobs.delete(blob.digest, detached.has(blob.digest) ? { keep: files } : { before, keep: files });
    if (isGone || !(await layout.blobs.has(blob.digest))) removed.push(blob);
    else young.push(blob);
  }
  return {
    ...planned,
    steps: { ...planned.steps, sweep: figuresOf(removed) },
    removed,
    spared: [...planned.spared, ...young.map((blob) => ({ ...blob, reason: "young" as const }))],
  };
}
