import {
  type Descriptor,
  type IndexEdit,
  type Layout,
  OcilotError,
  REF_NAME,
  type WriteOptions,
  bareDescriptor,
  missingFrom,
  transferBlobs,
} from "@ocilot/layout";
import type { IndexChange } from "../records/projection.js";
import { type ConventionId, edgeKey } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { IndexDraft } from "../records/index-draft.js";
import { openView } from "../view/open-view.js";
import { readGraph } from "../conventions/read-graph.js";
import type { LayoutView } from "../view/layout-view.js";
import { conventionsOf, conventionsToWrite, projectAll, registryConventions, writeDraft } from "../write/project-records.js";
import {
  type CopiedContent,
  type MovedName,
  type RootEntry,
  copiedEntries,
  entryChanges,
  foreign,
  movedNames,
  refuseTakenTags,
  sizeCorrections,
} from "./copied-entries.js";
import { putDockerDocuments } from "./docker-documents.js";
import type { EmbeddedBlob } from "./select-content.js";
import type { CopySelection } from "./select-copy.js";
import { putNewBlobs } from "./transfer-blobs.js";

export interface RecordOptions extends WriteOptions {
  readonly conventions?: readonly ConventionId[];
  readonly force?: boolean;
}

/** What there is to report of a recorded copy. */
export interface CopyRecord {
  /** Names that another entry of the target had. */
  readonly moved: readonly MovedName[];
  /** Files that name content and that the target cannot hold. */
  readonly notCarried: readonly string[];
}

/**
 * Records copied content in the target's `index.json`, in one replacement: the roots as the source lists them, the entries that
 * carry links without a `subject` as they are, and every other link in the target's conventions. Content that a collection removed
 * meanwhile is written once more, under the lock.
 * @throws OcilotError `WRITE_REFUSED` for a taken tag, `CONVERSION_REFUSED` if a link would not be found afterwards, and what
 * writing throws
 */
export async function recordCopy(source: Layout, copied: CopySelection, target: Layout, options: RecordOptions): Promise<CopyRecord> {
  const copiedAs = await copiedEntries(copied);
  const wanted = target.keepsEntries ? copiedAs : copiedAs.map(withTagOnly);
  let record: CopyRecord = { moved: [], notCarried: [] };
  await target.index.update(async (snapshot): Promise<readonly IndexEdit[]> => {
    await restoreCollected(source, copied, target, options);
    // Whether a registry has a manifest is one more request, and it is near anyway.
    const view = await openView(target, { snapshot, strict: true, ...(target.keepsEntries && { cache: copied.opened }) });
    const isWhole =
      target.keepsEntries &&
      copied.isWhole &&
      !isFromRegistry(copied.source) &&
      view.entries.length === 0 &&
      options.conventions === undefined;
    if (options.force !== true && !isWhole) refuseTakenTags(wanted, view.entries);
    const graph = await readGraph(view);
    const isStated =
      options.conventions === undefined &&
      copied.edges.every((e) => isUnlisted(e, copied.isWhole) || graph.has(e.subject, e.referrer.digest));
    for (const edge of copied.edges) graph.add({ ...edge, evidence: [] });
    const draft = new IndexDraft(view);
    if (target.keepsEntries) draft.apply({ changes: sizeCorrections(copied.content, view), blobs: [] });
    draft.apply({ changes: isWhole ? everything(copied.source) : await entryChanges(wanted, draft.view()), blobs: [] });
    const refusals = isWhole || isStated ? [] : await projectCopy(target, draft, graph, view, copied, options);
    const found = await readGraph(draft.view());
    const lost = copied.edges.filter((e) => e.verified && !isUnlisted(e, copied.isWhole) && !found.has(e.subject, e.referrer.digest));
    const reasons = [...refusals, ...lost.map((e) => `${edgeKey(e)} would not be found in the target`)];
    if (reasons.length > 0) throw refused(reasons, target.location);
    const notCarried = copied.docker === undefined ? [] : await putDockerDocuments(target, copied.docker);
    record = { moved: isWhole ? [] : movedNames(wanted, view.entries), notCarried };
    const edits = await writeDraft(target, draft, view, graph);
    return isWhole ? [...edits, ...otherMembers(copied.source)] : edits;
  }, options);
  return record;
}

async function projectCopy(
  target: Layout,
  draft: IndexDraft,
  graph: ReferrerGraph,
  view: LayoutView,
  copied: CopiedContent,
  options: RecordOptions,
): Promise<string[]> {
  if (target.keepsEntries) return await projectAll(draft, graph, await conventionsFor(view, copied.source, options));
  const refusals = await projectAll(draft, graph, registryConventions(options.conventions));
  // Links without a subject are kept by names alone, and in a registry those are cosign's tags.
  const named = graph.filter(
    (e) => e.link === "N" && copied.edges.some((c) => c.subject === e.subject && c.referrer.digest === e.referrer.digest),
  );
  return named.size === 0 ? refusals : [...refusals, ...(await projectAll(draft, named, registryConventions(["cosign-tags"])))];
}

/** What a registry can record of a manifest: its digest and a tag. */
function withTagOnly({ descriptor, tag }: RootEntry): RootEntry {
  const bare = bareDescriptor(descriptor);
  return tag === undefined ? { descriptor: bare } : { tag, descriptor: { ...bare, annotations: { [REF_NAME]: tag } } };
}

async function conventionsFor(target: LayoutView, source: LayoutView, { conventions }: RecordOptions) {
  if (conventions !== undefined) return conventionsOf(conventions);
  return isFromRegistry(source) ? await conventionsToWrite(target) : await conventionsToWrite(target, source);
}

/** A registry lists referrers by their subject, which is no convention of a layout. */
function isFromRegistry({ entries }: LayoutView): boolean {
  return entries.some((e) => e.origin !== undefined);
}

/** Into an empty layout every entry goes as it is, in its order, records included. */
function everything(source: LayoutView): IndexChange[] {
  const flags: IndexChange[] = Object.keys(source.annotations).length > 0 ? [{ op: "annotate-index", set: source.annotations }] : [];
  return [...source.entries.map((e) => foreign(e.descriptor)), ...flags];
}

/** Members of `index.json` that no convention knows; what they name is copied with everything. */
function otherMembers(source: LayoutView): IndexEdit[] {
  return Object.entries(source.otherMembers ?? {}).map(([name, value]) => ({ op: "add-member", name, value }));
}

/** What no record lists in the source stays unlisted in a copy of everything. */
function isUnlisted({ evidence }: CopiedContent["edges"][number], isWhole: boolean): boolean {
  return isWhole && evidence.some((v) => v.convention === "unlisted");
}

/** Writes what a collection has removed since it was written or found: under the lock, no other one removes it again. */
async function restoreCollected(source: Layout, copied: CopySelection, target: Layout, { signal }: RecordOptions): Promise<void> {
  const gone = await goneFrom(target, copied.content, signal);
  const embedded: EmbeddedBlob[] = [];
  for (const blob of copied.embedded) if (!(await target.blobs.has(blob.descriptor.digest))) embedded.push(blob);
  const isRewrittenGone = copied.rewritten !== undefined && !(await target.blobs.has(copied.rewritten.descriptor.digest));
  if (gone.length > 0) await transferBlobs(source, target, gone, signal ? { signal } : {});
  await putNewBlobs(target, { embedded, ...(isRewrittenGone && { rewritten: copied.rewritten }) });
}

/** Content that a collection took is not there at all: whether the rest has its size, the transfer has seen. */
async function goneFrom(target: Layout, content: readonly Descriptor[], signal: AbortSignal | undefined): Promise<readonly Descriptor[]> {
  const present = await target.blobs.hasMany?.(content.map((d) => d.digest));
  return present === undefined ? await missingFrom(target, content, signal) : content.filter((_, i) => present[i] !== true);
}

function refused(reasons: readonly string[], to: string): OcilotError<"CONVERSION_REFUSED"> {
  return new OcilotError(
    "CONVERSION_REFUSED",
    `not copied: ${reasons[0]}`,
    { to, reasons },
    { hint: "The target's index.json is unchanged. Choose another way to record referrers with --convention." },
  );
}
