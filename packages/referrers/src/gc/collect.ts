import { type Digest, type IndexSnapshot, type Layout, type WriteOptions, compareDigests, isAlgorithm, splitDigest } from "@ocilot/layout";
import type { ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import type { LayoutView } from "../view.js";
import { draftWithout } from "../write/detach.js";
import { writeDraft } from "../write/project-all.js";
import { mark } from "./mark.js";

export interface GcOptions extends WriteOptions {
  /** Only tell what would be done. */
  readonly dryRun?: boolean;
  /** Milliseconds that a blob must have been there untouched before it may go; one hour unless told. */
  readonly grace?: number;
  /** Take out the records of referrers whose subject is not in the layout, and their referrers. */
  readonly pruneDangling?: boolean;
  readonly onProgress?: (event: { readonly step: GcStep; readonly figures: StepFigures }) => void;
}

export type GcStep = "prune" | "mark" | "scan" | "sweep";

/** What a step did, in numbers: things and bytes. */
export interface StepFigures {
  readonly count: number;
  readonly bytes: number;
}

/** Why a blob stays although nothing needs it. */
export type SpareReason = "young" | "unknown-algorithm";

export interface GcResult {
  readonly dryRun: boolean;
  readonly steps: Readonly<Record<GcStep, StepFigures>>;
  readonly removed: readonly { readonly digest: Digest; readonly size: number }[];
  readonly spared: readonly { readonly digest: Digest; readonly size: number; readonly reason: SpareReason }[];
  /** Links whose records were taken out. */
  readonly pruned: readonly { readonly subject: Digest; readonly referrer: Digest }[];
  /** Referrers of something kept that nothing lists; they stay. */
  readonly unlisted: readonly Digest[];
}

const HOUR = 3_600_000;

/**
 * Removes blobs that nothing needs. It holds the layout's lock from the first look to the last removal, so no other
 * ocilot writes meanwhile; the grace period protects what a program without the lock has just stored. A crash leaves
 * a layout with some of the garbage gone.
 * @throws OcilotError `LOCK_BUSY`, the error of a manifest that cannot be read, and what writing throws
 */
export async function collectGarbage(layout: Layout, options: GcOptions = {}): Promise<GcResult> {
  if (options.dryRun === true) return await plan(layout, await layout.index.read(), options);
  const pruned = options.pruneDangling === true ? await prune(layout, options) : [];
  let result: GcResult | undefined;
  await layout.index.update(async (snapshot) => {
    const planned = await plan(layout, snapshot, { ...options, pruneDangling: false });
    for (const { digest } of planned.removed) await layout.blobs.delete(digest);
    result = planned;
    return [];
  }, options);
  const steps = { ...result!.steps, prune: { count: pruned.length, bytes: 0 } };
  for (const step of ["prune", "mark", "scan", "sweep"] as const) options.onProgress?.({ step, figures: steps[step] });
  return { ...result!, dryRun: false, pruned, steps };
}

async function prune(layout: Layout, options: GcOptions): Promise<GcResult["pruned"]> {
  let edges: readonly ReferrerEdge[] = [];
  await layout.index.update(async (snapshot) => {
    const view = await openView(layout, { snapshot });
    const graph = await readGraph(view);
    edges = await danglingEdges(view, graph);
    return await writeDraft(layout, await draftWithout(view, graph, edges), view, graph);
  }, options);
  return edges.map((e) => ({ subject: e.subject, referrer: e.referrer.digest }));
}

/** Links to a subject that is not there, and to what only such links lead to; a tag on the referrer keeps it. */
async function danglingEdges(view: LayoutView, graph: ReferrerGraph): Promise<ReferrerEdge[]> {
  const tagged = new Set(view.entries.filter((e) => e.tag !== undefined).map((e) => e.descriptor.digest));
  const inside = (e: ReferrerEdge): boolean => e.evidence.some((v) => v.convention === "buildkit");
  const found: ReferrerEdge[] = [];
  for (const subject of graph.subjects()) if (!(await view.has(subject))) found.push(...graph.of(subject));
  const free = (edges: readonly ReferrerEdge[]): ReferrerEdge[] => edges.filter((e) => !tagged.has(e.referrer.digest) && !inside(e));
  const result = free(found);
  for (const edge of result) for (const above of free(graph.of(edge.referrer.digest))) if (!result.includes(above)) result.push(above);
  return result;
}

async function plan(layout: Layout, snapshot: IndexSnapshot, options: GcOptions): Promise<GcResult> {
  const before = await openView(layout, { snapshot, scan: true });
  const graph = await readGraph(before);
  const dangling = options.pruneDangling === true ? await danglingEdges(before, graph) : [];
  const gone = new Set(dangling.map((e) => e.referrer.digest));
  const view = gone.size === 0 ? before : (await draftWithout(before, graph, dangling)).view();
  const { kept, unlisted } = await mark(
    view,
    graph.filter((e) => !gone.has(e.referrer.digest)),
  );
  const now = Date.now();
  const removed: { digest: Digest; size: number }[] = [];
  const spared: { digest: Digest; size: number; reason: SpareReason }[] = [];
  const scanned = { count: 0, bytes: 0 };
  const inUse = { count: 0, bytes: 0 };
  for await (const { digest, size, modified } of layout.blobs.list()) {
    scanned.count++;
    scanned.bytes += size;
    if (kept.has(digest)) {
      inUse.count++;
      inUse.bytes += size;
      continue;
    }
    if (!isAlgorithm(splitDigest(digest).algorithm)) spared.push({ digest, size, reason: "unknown-algorithm" });
    else if (now - modified < (options.grace ?? HOUR)) spared.push({ digest, size, reason: "young" });
    else removed.push({ digest, size });
  }
  removed.sort((a, b) => compareDigests(a.digest, b.digest));
  const sweep = { count: removed.length, bytes: removed.reduce((sum, b) => sum + b.size, 0) };
  const steps = { prune: { count: dangling.length, bytes: 0 }, mark: inUse, scan: scanned, sweep };
  const pruned = dangling.map((e) => ({ subject: e.subject, referrer: e.referrer.digest }));
  return { dryRun: true, steps, removed, spared, pruned, unlisted };
}
