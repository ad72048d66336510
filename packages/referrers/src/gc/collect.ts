import { type Layout, OcilotError, type WriteOptions } from "@ocilot/layout";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import { draftWithout } from "../write/detach.js";
import { writeDraft } from "../write/project-all.js";
import { danglingEdges } from "./dangling.js";
import type { GcResult, PlanOptions } from "./gc-result.js";
import { mark } from "./mark.js";
import { planGarbage, refuseQuirks } from "./plan-garbage.js";
import { sweep } from "./sweep.js";

export interface GcOptions extends PlanOptions, WriteOptions {
  /** Only tell what would be done. */
  readonly dryRun?: boolean;
  readonly onProgress?: (event: { readonly step: keyof GcResult["steps"]; readonly figures: GcResult["steps"]["mark"] }) => void;
}

/** How often it begins again because a writer without a lock was faster. */
const MAX_CONFLICTS = 20;

/**
 * Removes blobs that nothing needs. It holds the layout's lock from the first look to the last removal, so no other
 * ocilot writes meanwhile; the grace period protects what a program without the lock has just stored, and each blob's
 * age is looked at again right before it goes. A crash leaves a layout with some of the garbage gone.
 * @throws OcilotError `LOCK_BUSY`, the error of a manifest that cannot be read, `WRITE_REFUSED` for an `index.json` that
 * programs read differently, `INDEX_CONFLICT`, and what writing throws
 */
export async function collectGarbage(layout: Layout, options: GcOptions = {}): Promise<GcResult> {
  if (options.dryRun === true) return told(await planGarbage(layout, await layout.index.read(), options), options);
  const pruned = options.pruneDangling === true ? await prune(layout, options) : [];
  let result: GcResult | undefined;
  await layout.index.update(async (snapshot) => {
    let base = snapshot;
    for (let attempt = 1; ; attempt++) {
      const planned = await planGarbage(layout, base, options);
      const found = await layout.index.read();
      if (found.digest === base.digest) {
        result = await sweep(layout, planned, options);
        return [];
      }
      if (attempt === MAX_CONFLICTS) throw conflict(base.digest, found.digest);
      base = found;
    }
  }, options);
  return told({ ...result!, dryRun: false, pruned, steps: { ...result!.steps, prune: { count: pruned.length, bytes: 0 } } }, options);
}

function told(result: GcResult, { onProgress }: GcOptions): GcResult {
  for (const step of ["prune", "mark", "scan", "sweep"] as const) onProgress?.({ step, figures: result.steps[step] });
  return result;
}

async function prune(layout: Layout, options: GcOptions): Promise<GcResult["pruned"]> {
  let pruned: GcResult["pruned"] = [];
  await layout.index.update(async (snapshot) => {
    refuseQuirks(snapshot);
    const view = await openView(layout, { snapshot, scan: true, strict: true, ...(options.signal && { signal: options.signal }) });
    const graph = await readGraph(view);
    // What cannot be collected in the end is not begun.
    await mark(view, graph, { absentSubjects: true });
    const edges = await danglingEdges(view, graph);
    pruned = edges.map((e) => ({ subject: e.subject, referrer: e.referrer.digest }));
    return await writeDraft(layout, await draftWithout(view, graph, edges), view, graph);
  }, options);
  return pruned;
}

function conflict(expected: `${string}:${string}`, found: `${string}:${string}`): OcilotError<"INDEX_CONFLICT"> {
  return new OcilotError(
    "INDEX_CONFLICT",
    "index.json was changed again and again by another program; nothing was removed",
    { expected, found },
    { hint: "Run the command again once the other program is done." },
  );
}
