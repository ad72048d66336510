import { type IndexSnapshot, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout";
import { type ConversionOptions, type Plan, blobsOf, editsOf, planOver } from "./plan.js";

/** What carrying out a plan did. */
export interface ApplyResult {
  readonly plan: Plan;
  /** False where everything was as it should be and nothing was written. */
  readonly changed: boolean;
}

/**
 * Carries out a plan: lists first, then one replacement of `index.json`. The plan is made again from what is on the
 * disk, and one that comes out otherwise (an old one, or one that somebody wrote by hand) is not carried out.
 * A crash leaves the old layout, perhaps with lists that nothing names yet, or the new one.
 * @throws OcilotError `STALE_PLAN`, `CONVERSION_REFUSED`, and what writing throws
 */
export async function applyPlan(
  layout: Layout,
  plan: Plan,
  options: WriteOptions & Pick<ConversionOptions, "scan"> = {},
): Promise<ApplyResult> {
  refuse(plan);
  return await write(layout, options, async (found) => {
    if (found.digest !== plan.base) {
      throw new OcilotError(
        "STALE_PLAN",
        "index.json has changed since the plan was made",
        { expected: plan.base, found: found.digest },
        { hint: "Plan the conversion again." },
      );
    }
    const allowDigestChange = plan.digestChanges.length > 0;
    const fresh = await planOver(found, layout, { to: plan.to, only: plan.only, allowDigestChange, ...options });
    if (JSON.stringify(fresh.steps) !== JSON.stringify(plan.steps)) {
      throw new OcilotError(
        "STALE_PLAN",
        "the blobs of the layout have changed since the plan was made",
        { expected: plan.base, found: found.digest },
        { hint: "Plan the conversion again." },
      );
    }
    return fresh;
  });
}

/**
 * Plans and carries out a conversion in one go, planning again where another program changed `index.json` meanwhile.
 * @throws OcilotError `CONVERSION_REFUSED`, and what planning and writing throw
 */
export async function convert(layout: Layout, options: ConversionOptions & WriteOptions): Promise<ApplyResult> {
  const first = await planOver(await layout.index.read(), layout, options);
  refuse(first);
  if (editsOf(first).length === 0) return { plan: first, changed: false };
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

function refuse(plan: Plan): void {
  if (plan.refusals.length === 0) return;
  throw new OcilotError(
    "CONVERSION_REFUSED",
    `not converted to ${plan.to}: ${plan.refusals[0]}${plan.refusals.length > 1 ? ` (and ${plan.refusals.length - 1} more)` : ""}`,
    {
      to: plan.to,
      reasons: plan.refusals,
    },
    { hint: "Nothing was changed. Mend the cause, or choose another target with --to." },
  );
}
