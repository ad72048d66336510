import {
  CONTAINERD_IMAGE_NAME,
  type Descriptor,
  type IndexEntry,
  type Layout,
  OcilotError,
  REF_NAME,
  type WriteOptions,
} from "@ocilot/layout";
import type { IndexChange } from "../convention.js";
import { type ConventionId, type ReferrerEdge, edgeKey } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { IndexDraft } from "../index-draft.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import { recordKeys } from "../records.js";
import type { LayoutView } from "../view.js";
import { conventionsOf, projectAll, writeDraft, writingConventions } from "../write/project-all.js";
import { SPARSE_PLATFORMS } from "./sparse.js";

/** Something to be listed in the target, and its tag there. */
export interface RootEntry {
  readonly descriptor: Descriptor;
  readonly tag?: string;
}

/** What has been copied and is now to be named. */
export interface CopiedContent {
  readonly source: LayoutView;
  readonly sourceGraph: ReferrerGraph;
  /** True where the copy is of everything, so that the records among its entries may be made anew. */
  readonly isWhole: boolean;
  readonly roots: readonly RootEntry[];
  readonly edges: readonly ReferrerEdge[];
}

/** @throws OcilotError `WRITE_REFUSED` if the target has one of the tags on something else and `force` is not given */
export async function refuseTakenTags(target: Layout, roots: readonly RootEntry[], force: boolean): Promise<void> {
  if (force) return;
  const { entries } = await target.index.read();
  for (const { tag, descriptor } of roots) {
    const taken = tag === undefined ? undefined : entries.find((e) => e.tag === tag && e.descriptor.digest !== descriptor.digest);
    if (taken === undefined || isListTag(tag!)) continue;
    throw new OcilotError(
      "WRITE_REFUSED",
      `the target has the tag ${tag} on ${taken.descriptor.digest}`,
      { reason: "tag-taken" },
      {
        hint: "Nothing was copied. Move the tag with --force, or give another one: DST:TAG.",
      },
    );
  }
}

/**
 * Names copied content in the target's `index.json`: the roots as the source lists them, the entries that carry links
 * without a `subject` as they are, and every other link in the target's conventions.
 * @throws OcilotError `CONVERSION_REFUSED` if a link would not be found afterwards, and what writing throws
 */
export async function recordCopy(
  copied: CopiedContent,
  target: Layout,
  options: { conventions?: readonly ConventionId[] } & WriteOptions,
): Promise<void> {
  const { edges } = copied;
  await target.index.update(async (snapshot) => {
    const view = await openView(target, { snapshot });
    const graph = await readGraph(view);
    for (const edge of edges) graph.add({ ...edge, evidence: [] });
    const draft = new IndexDraft(view);
    const isWhole = copied.isWhole && view.entries.length === 0 && options.conventions === undefined;
    draft.apply({ changes: isWhole ? everything(copied.source) : await listed(copied, view), blobs: [] });
    const refusals = isWhole
      ? []
      : await projectAll(
          draft,
          graph,
          options.conventions === undefined ? await writingConventions(view, copied.source) : conventionsOf(options.conventions),
        );
    const found = await readGraph(draft.view());
    const lost = edges.filter((e) => e.verified && !found.has(e.subject, e.referrer.digest));
    const reasons = [...refusals, ...lost.map((e) => `${edgeKey(e)} would not be found in the target`)];
    if (reasons.length > 0) {
      throw new OcilotError(
        "CONVERSION_REFUSED",
        `not copied: ${reasons[0]}`,
        { to: target.location, reasons },
        { hint: "The target's index.json is unchanged. Choose another way to record referrers with --convention." },
      );
    }
    return await writeDraft(target, draft, view, graph);
  }, options);
}

/** Into an empty layout everything goes as it is, in its order, records and all. */
function everything(source: LayoutView): IndexChange[] {
  const flags: IndexChange[] = Object.keys(source.annotations).length > 0 ? [{ op: "annotate-index", set: source.annotations }] : [];
  return [...source.entries.map((e) => foreign(e.descriptor)), ...flags];
}

async function listed({ source, sourceGraph, isWhole, roots, edges }: CopiedContent, target: LayoutView): Promise<IndexChange[]> {
  const records = await recordKeys(sourceGraph, source);
  const positions = new Set(
    edges.flatMap((e) => (e.link === "N" ? e.evidence : [])).flatMap((v) => (v.within === undefined ? (v.position ?? []) : [])),
  );
  const carriers = source.entries.filter((e) => positions.has(e.position));
  const recorded = new Set(source.entries.filter((e) => records.has(e.position)).map((e) => e.descriptor));
  const wanted = [
    ...roots.filter((r) => !isWhole || roots.length === 1 || !recorded.has(r.descriptor)).map((r) => rootDescriptor(r)),
    ...carriers.map((e) => e.descriptor),
  ];
  const changes: IndexChange[] = [];
  const seen = new Set(target.entries.map((e) => JSON.stringify(e.descriptor)));
  for (const d of wanted) {
    const text = JSON.stringify(d);
    if (seen.has(text)) continue;
    seen.add(text);
    const tag = d.annotations?.[REF_NAME];
    const holders = tag ? target.entries.filter((e) => e.tag === tag) : [];
    if (holders.some((e) => e.descriptor.digest === d.digest) && d.annotations?.[SPARSE_PLATFORMS] === undefined) continue;
    changes.push(...holders.map(release), foreign(d));
  }
  return changes;
}

/** What bore the tag stays listed without it. */
function release(entry: IndexEntry): IndexChange {
  return { op: "annotate", position: entry.position, unset: [REF_NAME] };
}

function rootDescriptor({ descriptor, tag }: RootEntry): Descriptor {
  const { [REF_NAME]: oldTag, ...rest } = descriptor.annotations ?? {};
  const annotations: Record<string, string> = { ...rest };
  if (tag !== undefined) annotations[REF_NAME] = tag;
  if (tag !== oldTag) delete annotations[CONTAINERD_IMAGE_NAME];
  const { annotations: _, ...members } = descriptor;
  return Object.keys(annotations).length > 0 ? { ...members, annotations } : members;
}

function foreign(descriptor: Descriptor): IndexChange {
  return { op: "add", key: { rank: "foreign", subject: descriptor.digest, digest: descriptor.digest }, descriptor };
}

function isListTag(tag: string): boolean {
  return /^(?:sha256|sha384|sha512|blake3)-[0-9a-f]{64,128}$/.test(tag);
}
