import { type Layout, OcilotError, type WriteOptions, isOcilotError } from "@ocilot/layout/web";
import { detachedDigests, detachedEdit } from "../view/detached.js";
import { writeDraft } from "../write/project-records.js";
import { refuseRegistry } from "../view/refuse-registry.js";
import { type Garbage, type GcResult, type PlanOptions, figuresOf } from "./gc-result.js";
import { planGarbage, surveyGarbage } from "./plan-garbage.js";
import { sweep } from "./sweep.js";

/** What garbage collection removes and reports. */
export interface GcOptions extends PlanOptions, WriteOptions {
  readonly onProgress?: (event: { readonly step: keyof GcResult["steps"]; readonly figures: GcResult["steps"]["mark"] }) => void;
}

/** How often it starts again because a writer without a lock changed `index.json`. */
const MAX_CONFLICTS = 20;

/**
 * Removes blobs that are not referenced. It holds the layout's lock from the first look to the last removal, so no other
 * ocilot writes meanwhile; the grace period protects what a program without the lock has just stored, and each blob's
 * age is checked again right before it is removed. A crash leaves a layout with some of the garbage removed. On a full disk,
 * where the lock cannot be written, unreferenced blobs are removed until it can.
 * @throws OcilotError `LOCK_BUSY`, the error of content that cannot be read, `WRITE_REFUSED` for an `index.json` that
 * programs read differently, `INDEX_CONFLICT`, and what writing throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { collectGarbage } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { removed, spared } = await collectGarbage(layout, { dryRun: true });
 * console.log(removed.length, spared.length);
 * ```
 */
export async function collectGarbage(layout: Layout, options: GcOptions = {}): Promise<GcResult> {
  refuseRegistry(
    layout,
    "a registry collects its garbage itself",
    "Delete tags with `ocilot untag` and referrers with `ocilot detach`; the registry removes the rest.",
  );
  if (options.dryRun === true) {
    const { files: _, detached: __, ...planned } = await planGarbage(layout, await layout.index.read(), options);
    return reported(planned, options);
  }
  const early: Garbage[] = [];
  for (;;) {
    try {
      return reported(withRemoved(await collect(layout, options), early), options);
    } catch (error) {
      const gone = isDiskFull(error) ? await removeOne(layout, options) : [];
      if (gone.length === 0) throw error;
      early.push(...gone);
    }
  }
}

async function collect(layout: Layout, options: GcOptions): Promise<GcResult> {
  const pruned = options.pruneDangling === true ? await prune(layout, options) : [];
  let result: GcResult | undefined;
  await layout.index.update(async (snapshot) => {
    let base = snapshot;
    for (let attempt = 1; ; attempt++) {
      const planned = await planGarbage(layout, base, options);
      const found = await layout.index.read();
      if (found.digest === base.digest) {
        result = await sweep(layout, planned, options);
        return detachedDigests(base.annotations).size > 0 ? [detachedEdit([])] : [];
      }
      if (attempt === MAX_CONFLICTS) throw conflict(base.digest, found.digest);
      base = found;
    }
  }, options);
  return { ...result!, dryRun: false, pruned };
}

function withRemoved(result: GcResult, early: readonly Garbage[]): GcResult {
  const removed = [...early, ...result.removed];
  const scan = figuresOf([result.steps.scan, figuresOf(early)]);
  const steps = { ...result.steps, prune: { count: result.pruned.length, bytes: 0 }, scan, sweep: figuresOf(removed) };
  return { ...result, removed, steps };
}

function reported(result: GcResult, { onProgress }: GcOptions): GcResult {
  for (const step of ["prune", "mark", "scan", "sweep"] as const) onProgress?.({ step, figures: result.steps[step] });
  return result;
}

/** Makes room for the lock: removes one blob, by a plan of its own and with its age checked. */
async function removeOne(layout: Layout, options: GcOptions): Promise<readonly Garbage[]> {
  const planned = await planGarbage(layout, await layout.index.read(), { ...options, pruneDangling: false });
  return (await sweep(layout, { ...planned, removed: planned.removed.slice(0, 1) }, options)).removed;
}

function isDiskFull(error: unknown): boolean {
  return isOcilotError(error, "IO_ERROR") && ["ENOSPC", "EDQUOT"].includes(error.details.errno ?? "");
}

async function prune(layout: Layout, options: GcOptions): Promise<GcResult["pruned"]> {
  let pruned: GcResult["pruned"] = [];
  await layout.index.update(async (snapshot) => {
    // Nothing is pruned from a layout that cannot be collected afterwards: then this throws.
    const { view, graph, dangling, pruned: draft } = await surveyGarbage(layout, snapshot, options);
    pruned = dangling.map((e) => ({ subject: e.subject, referrer: e.referrer.digest }));
    return await writeDraft(layout, draft, view, graph);
  }, options);
  return pruned;
}

function conflict(expected: `${string}:${string}`, found: `${string}:${string}`): OcilotError<"INDEX_CONFLICT"> {
  return new OcilotError(
    "INDEX_CONFLICT",
    "another program kept changing index.json; nothing was removed",
    { expected, found },
    { hint: "Run the command again once the other program has finished." },
  );
}
