import { type Layout, OcilotError } from "@ocilot/layout";
import { type Garbage, type GcResult, type PlanOptions, figuresOf } from "./gc-result.js";
import { HOUR } from "./plan-garbage.js";

/** Removes what a plan says, but for what has become young since; and tells what really went. */
export async function sweep(layout: Layout, planned: GcResult, { grace = HOUR, signal }: PlanOptions): Promise<GcResult> {
  const before = Date.now() - grace;
  const removed: Garbage[] = [];
  const young: Garbage[] = [];
  for (const blob of planned.removed) {
    if (signal?.aborted) throw new OcilotError("ABORTED", `interrupted after ${removed.length} of ${planned.removed.length} blobs`, {});
    await layout.blobs.delete(blob.digest, { before: before + 1 });
    ((await layout.blobs.has(blob.digest)) ? young : removed).push(blob);
  }
  return {
    ...planned,
    steps: { ...planned.steps, sweep: figuresOf(removed) },
    removed,
    spared: [...planned.spared, ...young.map((blob) => ({ ...blob, reason: "young" as const }))],
  };
}
