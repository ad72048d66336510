import { type Layout, OcilotError } from "@ocilot/layout/web";
import type { Convention } from "../conventions/convention.js";
import { TARGETS, conventionsFor } from "../conventions/registry.js";
import { NEVER_TARGETS } from "../conventions/support-matrix.js";
import type { BuiltInConventionId, ConventionId } from "../graph/edge.js";
import { buildkitTarget } from "./buildkit-target.js";
import type { ConversionOptions } from "./conversion-options.js";

/**
 * The conventions that a conversion writes, in the order asked for, each once.
 * @throws OcilotError `USAGE` for a convention that cannot be a target, and for `buildkit` beside another
 */
export function chooseTargets({ to, allowDigestChange = false }: ConversionOptions, layout: Layout): Convention[] {
  const ids = [...new Set(typeof to === "string" ? [to] : to)];
  if (ids.length === 0) throw notTarget("none", "no convention was named");
  if (ids.length > 1 && ids.includes("buildkit"))
    throw notTarget("buildkit", "it rewrites image indexes and cannot be combined with another target");
  return ids.map((id) => (id === "buildkit" ? buildkitTarget(layout.blobs, allowDigestChange) : targetOf(id, layout)));
}

function targetOf(id: ConventionId, layout: Layout): Convention {
  const convention = conventionsFor(layout).find((c) => c.id === id);
  if (convention?.traits.target === true) return convention;
  throw notTarget(id, NEVER_TARGETS[id as BuiltInConventionId] ?? "there is no such convention");
}

function notTarget(id: string, why: string): OcilotError<"USAGE"> {
  return new OcilotError(
    "USAGE",
    `${id} cannot be the target of a conversion: ${why}`,
    { argument: "to" },
    { hint: `Targets are: ${TARGETS.join(", ")}.` },
  );
}
