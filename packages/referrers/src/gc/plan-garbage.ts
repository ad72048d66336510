import {
  type BlobListing,
  type Digest,
  type IndexSnapshot,
  type Layout,
  OcilotError,
  compareDigests,
  isAlgorithm,
  splitDigest,
} from "@ocilot/layout/web";
import { detachedDigests } from "../view/detached.js";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { IndexDraft } from "../records/index-draft.js";
import type { LayoutView } from "../view/layout-view.js";
import { openView } from "../view/open-view.js";
import { readGraph } from "../conventions/read-graph.js";
import { draftWithout } from "../write/draft-without.js";
import { listBlobs, sortBlobs } from "../view/unreferenced-blobs.js";
import { danglingEdges } from "./dangling.js";
import { type Garbage, type GcResult, type KeepReason, type PlanOptions, figuresOf } from "./gc-result.js";
import { type Marked, markKept } from "./mark-kept.js";

export const HOUR = 3_600_000;

/** What a collection would do, and what its removals have to spare. */
export interface GarbagePlan extends GcResult {
  /** Identities of the files that hold blobs in use. */
  readonly files: ReadonlySet<string>;
  /** Manifests that were detached: no program has just stored them, so they have no grace period. */
  readonly detached: ReadonlySet<Digest>;
}

/** What is in a layout, and what stays of it once links to missing subjects are pruned. */
interface Survey {
  readonly view: LayoutView;
  readonly graph: ReferrerGraph;
  readonly blobs: readonly BlobListing[];
  readonly dangling: readonly ReferrerEdge[];
  /** `index.json` without the dangling links. */
  readonly pruned: IndexDraft;
  readonly marked: Marked;
}

/**
 * Looks at a layout before something is removed; writes nothing.
 * @throws OcilotError `WRITE_REFUSED`, the error of content that cannot be read, and what reading throws
 */
export async function surveyGarbage(
  layout: Layout,
  snapshot: IndexSnapshot,
  { pruneDangling = false, signal }: PlanOptions,
): Promise<Survey> {
  refuseQuirks(snapshot);
  const view = await openView(layout, { snapshot, scan: true, strict: true, ...(signal && { signal }) });
  await view.unlisted();
  // What only other tools take for a referrer is one: marking it refuses the collection.
  const graph = await readGraph(view.asGo());
  const dangling = pruneDangling ? await danglingEdges(view, graph) : [];
  const pruned = dangling.length > 0 ? await draftWithout(view, graph, dangling) : new IndexDraft(view);
  const blobs = await listBlobs(layout);
  const present = new Set(blobs.map((b) => b.digest));
  const marked = await markKept(layout, pruned.view(), graph, { absentSubjects: !pruneDangling, present, signal });
  return { view, graph, blobs, dangling, pruned, marked };
}

/**
 * Returns what a collection would do; writes nothing.
 * @throws OcilotError like {@link surveyGarbage}
 */
export async function planGarbage(layout: Layout, snapshot: IndexSnapshot, options: PlanOptions): Promise<GarbagePlan> {
  const { blobs, dangling, marked } = await surveyGarbage(layout, snapshot, options);
  const { grace = HOUR } = options;
  const { kept, unlisted } = marked;
  const { needed, unneeded, files } = sortBlobs(blobs, (digest) => kept.has(digest));
  const detached = new Set([...detachedDigests(snapshot.annotations), ...dangling.map((e) => e.referrer.digest)]);
  const now = options.dryRun === true ? latest(blobs) : await currentTime(layout);
  const removed: Garbage[] = [];
  const spared: (Garbage & { reason: KeepReason })[] = [];
  for (const { digest, size, modified } of unneeded.toSorted((a, b) => compareDigests(a.digest, b.digest))) {
    if (!isAlgorithm(splitDigest(digest).algorithm)) spared.push({ digest, size, reason: "unknown-algorithm" });
    else if (now - modified < grace && !detached.has(digest)) spared.push({ digest, size, reason: "young" });
    else removed.push({ digest, size });
  }
  return {
    dryRun: true,
    steps: {
      prune: { count: dangling.length, bytes: 0 },
      mark: figuresOf(needed),
      scan: figuresOf(blobs),
      sweep: figuresOf(removed),
    },
    removed,
    spared,
    pruned: dangling.map((e) => ({ subject: e.subject, referrer: e.referrer.digest })),
    unlisted: unlisted.toSorted(compareDigests),
    files,
    detached,
  };
}

/** Without writing, the time of the clock that stamps blobs is only known from the blobs. */
function latest(blobs: readonly BlobListing[]): number {
  return blobs.reduce((time, b) => Math.max(time, b.modified), Date.now());
}

/** Returns the time of the clock that stamps blobs: that of another host may be hours ahead of this one. */
export async function currentTime({ blobs }: Layout): Promise<number> {
  return (await blobs.now?.()) ?? Date.now();
}

/** What leads to a blob must be beyond doubt before the blob is removed. */
function refuseQuirks({ quirks }: IndexSnapshot): void {
  if (quirks[0] === undefined) return;
  throw new OcilotError(
    "WRITE_REFUSED",
    `index.json: ${quirks[0].message}; tools read it differently, so nothing is collected`,
    { reason: quirks[0].kind, file: "index.json" },
    { hint: "Make a layout whose index.json every tool reads alike: ocilot copy --all LAYOUT NEW-DIRECTORY" },
  );
}
