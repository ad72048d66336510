import { type Descriptor, type Digest, type Layout, OcilotError } from "@ocilot/layout/web";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { contentBesideEntries } from "../view/content-beside-entries.js";
import { blobsNamedBy } from "../view/followed-blobs.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";

/** What must stay. */
export interface Marked {
  readonly kept: ReadonlySet<Digest>;
  /** Manifests that no record lists and that refer to something kept. */
  readonly unlisted: readonly Digest[];
}

export interface MarkOptions {
  /** A subject that is not in the layout counts as long as something kept names it. */
  readonly absentSubjects: boolean;
  /** The blobs that are in the layout. */
  readonly present: ReadonlySet<Digest>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Marks everything that `index.json` and Docker's files lead to, through children, configs, layers and `subject`; then
 * every referrer of what is marked, listed or not; then what blobs of unknown media types name. It ends when nothing new is found.
 * @throws OcilotError `BLOB_CORRUPT` and others for content that cannot be read: what it needs is unknown
 */
export async function markKept(layout: Layout, view: LayoutView, graph: ReferrerGraph, options: MarkOptions): Promise<Marked> {
  const kept = new Set<Digest>();
  const opened = new Set<Digest>();
  /** Blobs that are not manifests and have not been searched for digests. */
  const unsearched: Descriptor[] = [];
  await follow(view.entries.map((e) => e.descriptor));
  await follow(await contentBesideEntries(layout, view));
  while (await searchBlobs());
  const unlisted = graph.edges().filter((e) => kept.has(e.referrer.digest) && e.evidence.every((v) => v.convention === "unlisted"));
  return { kept, unlisted: unlisted.map((e) => e.referrer.digest) };

  /** Reads blobs only while something could be removed. Returns whether anything new was found. */
  async function searchBlobs(): Promise<boolean> {
    const blobs = unsearched.splice(0);
    if (blobs.length === 0 || [...options.present].every((digest) => kept.has(digest))) return false;
    const { links, unreadable } = await blobsNamedBy(layout, blobs, options.signal);
    if (unreadable[0] !== undefined) throw cannotTell(unreadable[0]);
    const fresh = links.map((l) => l.named).filter((d) => !kept.has(d.digest));
    await follow(fresh);
    return fresh.length > 0;
  }

  async function follow(start: readonly Descriptor[]): Promise<void> {
    let level = start;
    while (level.length > 0) {
      const nodes = await view.nodes(level);
      level = nodes.flatMap(visit);
    }
  }

  /** Marks one node and returns what it needs and what refers to it. */
  function visit(node: ManifestNode): Descriptor[] {
    if (node.state === "damaged") throw cannotTell(node.error);
    if (node.state === "absent" && !options.absentSubjects) return [];
    const { digest } = node.descriptor;
    const referrers = kept.has(digest) ? [] : graph.of(digest).map((e) => e.referrer);
    if (node.state === "blob" && !kept.has(digest)) unsearched.push(node.descriptor);
    kept.add(digest);
    const manifest = manifestOf(node);
    if (manifest === undefined || opened.has(digest)) return referrers;
    opened.add(digest);
    const { config, layers, manifests, subject } = manifest;
    const needed = [config, ...layers, ...manifests, subject].filter((d) => d !== undefined).filter((d) => !opened.has(d.digest));
    return [...needed, ...referrers];
  }
}

function cannotTell(error: OcilotError): OcilotError {
  return new OcilotError(error.code, `nothing is collected, because it is unknown what this blob needs: ${error.message}`, error.details, {
    cause: error,
    hint: error.hint ?? "List the damage with: ocilot verify LAYOUT",
  });
}
