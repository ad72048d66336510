import { type Descriptor, type IndexEdit, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout";
import type { IndexChange } from "../convention.js";
import { type ConventionId, edgeKey } from "../edge.js";
import { IndexDraft } from "../index-draft.js";
import { openView } from "../layout-view.js";
import { readGraph } from "../read-graph.js";
import type { LayoutView } from "../view.js";
import { conventionsOf, projectAll, writeDraft, writingConventions } from "../write/project-all.js";
import { type CopiedContent, copiedEntries, entryChanges, foreign, refuseTakenTags } from "./copied-entries.js";

export interface RecordOptions extends WriteOptions {
  readonly conventions?: readonly ConventionId[];
  readonly force?: boolean;
}

/**
 * Names copied content in the target's `index.json`, in one replacement: the roots as the source lists them, the entries
 * that carry links without a `subject` as they are, and every other link in the target's conventions.
 * @throws OcilotError `WRITE_REFUSED` for a taken tag, `CONVERSION_REFUSED` if a link would not be found afterwards,
 * `BLOB_NOT_FOUND` if content went meanwhile, and what writing throws
 */
export async function recordCopy(
  copied: CopiedContent & { readonly content: readonly Descriptor[] },
  target: Layout,
  options: RecordOptions,
): Promise<void> {
  const wanted = await copiedEntries(copied);
  await target.index.update(async (snapshot): Promise<readonly IndexEdit[]> => {
    await refuseCollected(target, copied.content);
    const view = await openView(target, { snapshot, strict: true });
    const isWhole = copied.isWhole && view.entries.length === 0 && options.conventions === undefined;
    if (options.force !== true && !isWhole) refuseTakenTags(wanted, view.entries);
    const graph = await readGraph(view);
    const isStated =
      options.conventions === undefined &&
      copied.edges.every((e) => isUnlisted(e, copied.isWhole) || graph.has(e.subject, e.referrer.digest));
    for (const edge of copied.edges) graph.add({ ...edge, evidence: [] });
    const draft = new IndexDraft(view);
    draft.apply({ changes: isWhole ? everything(copied.source) : await entryChanges(wanted, view), blobs: [] });
    const refusals = isWhole || isStated ? [] : await projectAll(draft, graph, await conventionsFor(view, copied.source, options));
    const found = await readGraph(draft.view());
    const lost = copied.edges.filter((e) => e.verified && !isUnlisted(e, copied.isWhole) && !found.has(e.subject, e.referrer.digest));
    const reasons = [...refusals, ...lost.map((e) => `${edgeKey(e)} would not be found in the target`)];
    if (reasons.length > 0) throw refused(reasons, target.location);
    return await writeDraft(target, draft, view, graph);
  }, options);
}

async function conventionsFor(target: LayoutView, source: LayoutView, { conventions }: RecordOptions) {
  return conventions === undefined ? await writingConventions(target, source) : conventionsOf(conventions);
}

/** Into an empty layout everything goes as it is, in its order, records and all. */
function everything(source: LayoutView): IndexChange[] {
  const flags: IndexChange[] = Object.keys(source.annotations).length > 0 ? [{ op: "annotate-index", set: source.annotations }] : [];
  return [...source.entries.map((e) => foreign(e.descriptor)), ...flags];
}

/** What nothing lists in the source stays unlisted in a copy of all of it. */
function isUnlisted({ evidence }: CopiedContent["edges"][number], isWhole: boolean): boolean {
  return isWhole && evidence.every((v) => v.convention === "unlisted");
}

/** What was there already may have been collected before it was named again; then nothing is recorded. */
async function refuseCollected(target: Layout, content: readonly Descriptor[]): Promise<void> {
  for (const { digest, size } of content) {
    if ((await target.blobs.size(digest)) === size) continue;
    throw new OcilotError(
      "BLOB_NOT_FOUND",
      `${digest} was collected from the target before it was named there`,
      { digest },
      { hint: "Run the command again." },
    );
  }
}

function refused(reasons: readonly string[], to: string): OcilotError<"CONVERSION_REFUSED"> {
  return new OcilotError(
    "CONVERSION_REFUSED",
    `not copied: ${reasons[0]}`,
    { to, reasons },
    { hint: "The target's index.json is unchanged. Choose another way to record referrers with --convention." },
  );
}
