import { type IndexSnapshot, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout/web";
import type { ConventionId } from "../graph/edge.js";
import type { ConversionOptions } from "./conversion-options.js";
import { planOver } from "./plan-conversion.js";
import { type Plan, blobsOf, editsOf } from "./plan.js";

/** What applying a plan did. */
export interface ApplyResult {
  readonly plan: Plan;
  /** False if nothing had to be written. */
  readonly changed: boolean;
}

/**
 * Applies a plan: writes new lists, then replaces `index.json` once. The plan is computed again from the layout as it is,
 * and applied only if it comes out the same. A crash leaves the old layout, perhaps with unreferenced lists, or the new one.
 * @throws OcilotError `STALE_PLAN`, `CONVERSION_REFUSED`, and what writing throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { applyPlan, planConversion } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const plan = await planConversion(layout, { to: "universal" });
 * if (plan.losses.length === 0) await applyPlan(layout, plan);
 * ```
 */
export async function applyPlan(
  layout: Layout,
  plan: Plan,
  options: WriteOptions & Pick<ConversionOptions, "scan"> = {},
): Promise<ApplyResult> {
  refuse(plan);
  return await write(layout, options, async (found) => {
    if (found.digest !== plan.base) throw stale("index.json has changed since the plan was made", plan, found);
    const allowDigestChange = plan.digestChanges.length > 0;
    const fresh = await planOver(found, layout, {
      to: plan.to.split(",") as ConventionId[],
      only: plan.only,
      allowDigestChange,
      ...options,
    });
    if (JSON.stringify(fresh.steps) !== JSON.stringify(plan.steps))
      throw stale("the blobs of the layout have changed since the plan was made", plan, found);
    return fresh;
  });
}

/**
 * Plans a conversion and applies it, planning again if another program changed `index.json` meanwhile.
 * @throws OcilotError `CONVERSION_REFUSED`, and what planning and writing throw
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { convert } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { changed, plan } = await convert(layout, { to: "universal" });
 * console.log(changed, plan.losses.length);
 * ```
 */
export async function convert(layout: Layout, options: ConversionOptions & WriteOptions): Promise<ApplyResult> {
  const first = await planOver(await layout.index.read(), layout, options);
  refuse(first);
  if (editsOf(first).length === 0) {
    // A conversion killed at its last step has nothing left to do but this.
    await layout.index.clearDeadLock?.();
    return { plan: first, changed: false };
  }
  return await write(layout, options, async (found) => (found.digest === first.base ? first : await planOver(found, layout, options)));
}

async function write(layout: Layout, options: WriteOptions, planFor: (found: IndexSnapshot) => Promise<Plan>): Promise<ApplyResult> {
  let plan: Plan | undefined;
  await layout.index.update(async (found) => {
    plan = await planFor(found);
    refuse(plan);
    for (const { descriptor, text } of blobsOf(plan)) await layout.blobs.put(new TextEncoder().encode(text), { expect: descriptor });
    return editsOf(plan);
  }, options);
  return { plan: plan!, changed: editsOf(plan!).length > 0 };
}

function stale(message: string, plan: Plan, found: IndexSnapshot): OcilotError<"STALE_PLAN"> {
  const details = { expected: plan.base, found: found.digest };
  return new OcilotError("STALE_PLAN", message, details, { hint: "Plan the conversion again." });
}

function refuse({ to, refusals }: Plan): void {
  if (refusals.length === 0) return;
  throw new OcilotError(
    "CONVERSION_REFUSED",
    `not converted to ${to}: ${refusals[0]}${refusals.length > 1 ? ` (and ${refusals.length - 1} more)` : ""}`,
    { to, reasons: refusals },
    { hint: "Nothing was changed. Fix the cause, or choose another target with --to." },
  );
}
