import type { IndexSnapshot, Layout } from "@ocilot/layout/web";
import { readGraph } from "../conventions/read-graph.js";
import { countReferrers } from "../graph/count-referrers.js";
import { withoutLifted } from "../lift/lifted.js";
import { draftEdits } from "../records/draft-edits.js";
import { commonLosses } from "../records/unrepresentable.js";
import { findProblems } from "../verify/problems.js";
import { openView } from "../view/open-view.js";
import { checkOutcome } from "./check-outcome.js";
import { chooseTargets } from "./choose-targets.js";
import type { ConversionOptions } from "./conversion-options.js";
import { conventionsBeside, draftTargets } from "./draft-targets.js";
import { keepReachable } from "./keep-reachable.js";
import { planNotes } from "./plan-notes.js";
import type { Plan } from "./plan.js";
import { withdrawOthers } from "./withdraw-others.js";
import { refuseRegistry } from "../view/refuse-registry.js";
import { writeObstacles } from "./write-obstacles.js";

/**
 * Works out how to record every referrer of a layout in other conventions; writes nothing. Conventions already in use are
 * brought up to date as well, or removed with `only`.
 * @throws OcilotError `USAGE` for a convention that cannot be a target, and what reading `index.json` throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { planConversion } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const plan = await planConversion(layout, { to: "oras" }); // writes nothing
 * for (const { referrer, reason } of plan.losses) console.log(referrer, reason);
 * ```
 */
export async function planConversion(layout: Layout, options: ConversionOptions): Promise<Plan> {
  return await planOver(await layout.index.read(), layout, options);
}

/** {@link planConversion} for an `index.json` that has been read already. */
export async function planOver(snapshot: IndexSnapshot, layout: Layout, options: ConversionOptions): Promise<Plan> {
  refuseRegistry(layout, "a registry has no conventions to convert between", "Copy the image to a layout, and convert that.");
  const { only = false } = options;
  const targets = chooseTargets(options, layout);

  const view = await openView(layout, { ...options, snapshot, strict: true });
  const graph = await readGraph(view);
  const problems = await findProblems(view, graph);

  const drafted = await draftTargets(view, graph, targets, only ? [] : await conventionsBeside(view, targets));
  // A record goes only where one target holds its link in every form; a link is left behind only where none holds it in any.
  const withdrawn = only ? await withdrawOthers(drafted.draft, graph, targets, commonLosses(drafted.targets.map((t) => t.losses))) : [];
  const losses = await withoutLifted(commonLosses(drafted.parts.map((p) => p.losses)), graph, view);
  await keepReachable(view, drafted.draft);

  const { blobs, edits } = await draftEdits(drafted.draft, view, graph);
  const obstacles = [...drafted.refusals, ...(edits.length > 0 ? writeObstacles(snapshot, layout) : [])];
  const refusals = obstacles.length > 0 ? obstacles : await checkOutcome(view, drafted.draft.view(), graph, drafted.parts);

  return {
    to: targets.map((t) => t.id).join(","),
    only,
    base: snapshot.digest,
    referrers: countReferrers(graph.edges()),
    edges: graph.size,
    steps: [...blobs.map(({ descriptor, text }) => ({ op: "put" as const, descriptor, text })), ...edits],
    losses,
    notes: await planNotes(drafted, losses, graph, view),
    kept: [...drafted.kept, ...withdrawn],
    digestChanges: drafted.digestChanges,
    refusals,
    problems,
  };
}
