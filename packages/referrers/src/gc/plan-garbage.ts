import { type IndexSnapshot, type Layout, OcilotError, compareDigests, isAlgorithm, splitDigest } from "@ocilot/layout";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import { draftWithout } from "../write/detach.js";
import { danglingEdges } from "./dangling.js";
import { type Garbage, type GcResult, type PlanOptions, type SpareReason, figuresOf } from "./gc-result.js";
import { mark } from "./mark.js";

export const HOUR = 3_600_000;

/**
 * Tells what a collection would do; nothing is written.
 * @throws OcilotError `WRITE_REFUSED`, the error of a manifest that cannot be read, and what reading throws
 */
export async function planGarbage(layout: Layout, snapshot: IndexSnapshot, options: PlanOptions): Promise<GcResult> {
  refuseQuirks(snapshot);
  const { grace = HOUR, pruneDangling = false, signal } = options;
  const listed = await openView(layout, { snapshot, scan: true, strict: true, ...(signal && { signal }) });
  const graph = await readGraph(listed);
  const dangling = pruneDangling ? await danglingEdges(listed, graph) : [];
  const gone = new Set(dangling.map((e) => e.referrer.digest));
  const view = gone.size === 0 ? listed : (await draftWithout(listed, graph, dangling)).view();
  const rest = gone.size === 0 ? graph : graph.filter((e) => !gone.has(e.referrer.digest));
  const { kept, unlisted } = await mark(view, rest, { absentSubjects: !pruneDangling });
  const now = Date.now();
  const [removed, spared, scanned, inUse]: [Garbage[], (Garbage & { reason: SpareReason })[], Garbage[], Garbage[]] = [[], [], [], []];
  for await (const { digest, size, modified } of layout.blobs.list()) {
    scanned.push({ digest, size });
    if (kept.has(digest)) inUse.push({ digest, size });
    else if (!isAlgorithm(splitDigest(digest).algorithm)) spared.push({ digest, size, reason: "unknown-algorithm" });
    else if (now - modified < grace) spared.push({ digest, size, reason: "young" });
    else removed.push({ digest, size });
  }
  const byDigest = (a: Garbage, b: Garbage): number => compareDigests(a.digest, b.digest);
  return {
    dryRun: true,
    steps: {
      prune: { count: dangling.length, bytes: 0 },
      mark: figuresOf(inUse),
      scan: figuresOf(scanned),
      sweep: figuresOf(removed),
    },
    removed: removed.toSorted(byDigest),
    spared: spared.toSorted(byDigest),
    pruned: dangling.map((e) => ({ subject: e.subject, referrer: e.referrer.digest })),
    unlisted: unlisted.toSorted(compareDigests),
  };
}

/** What leads to a blob must be beyond doubt before the blob goes. */
export function refuseQuirks({ quirks }: IndexSnapshot): void {
  if (quirks[0] === undefined) return;
  throw new OcilotError(
    "WRITE_REFUSED",
    `index.json: ${quirks[0].message}; tools read it differently, so nothing is collected by it`,
    { reason: quirks[0].kind, file: "index.json" },
    { hint: "Write a clean copy of index.json by hand, then try again." },
  );
}
