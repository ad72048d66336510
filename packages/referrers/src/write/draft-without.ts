import { CONVENTIONS, conventionsFor } from "../conventions/registry.js";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { isBareEntry } from "../records/entry-annotations.js";
import { IndexDraft } from "../records/index-draft.js";
import type { IndexChange } from "../records/projection.js";
import { reachableWithoutBare } from "../records/record-keys.js";
import { findLists } from "../records/referrer-lists.js";
import { detachedDigests, detachedEdit } from "../view/detached.js";
import type { LayoutView } from "../view/layout-view.js";

/** `index.json` without any record of some links. Their manifests are marked as about to be deleted. */
export async function draftWithout(view: LayoutView, graph: ReferrerGraph, removed: readonly ReferrerEdge[]): Promise<IndexDraft> {
  const gone = new Set(removed.map((e) => e.referrer.digest));
  const rest = graph.filter((e) => !gone.has(e.referrer.digest));
  const draft = new IndexDraft(view);
  draft.apply({ changes: await emptyRecords(view, rest, removed), blobs: [] });
  for (const convention of conventionsFor(view.origin)) {
    if (!CONVENTIONS.includes(convention)) {
      const links = graph.filter((e) => gone.has(e.referrer.digest));
      draft.apply(await convention.withdraw(links, draft.view()));
      continue;
    }
    if (convention.traits.shape !== "list" || (await convention.detect(draft.view())).entries.length === 0) continue;
    draft.apply(await convention.project(onlySubjects(rest, removed), draft.view()));
  }
  draft.apply({ changes: [detachedEdit([...detachedDigests(view.annotations), ...gone])], blobs: [] });
  return draft;
}

/** The entries of the referrers, the lists that are empty without them, the bare entries that no longer serve. */
async function emptyRecords(view: LayoutView, rest: ReferrerGraph, removed: readonly ReferrerEdge[]): Promise<IndexChange[]> {
  const gone = new Set(removed.map((e) => e.referrer.digest));
  const positions = new Set<number>();
  for (const entry of view.entries) if (gone.has(entry.descriptor.digest)) positions.add(entry.position);
  for (const { entry, lines, subjects } of (await findLists(view)).records) {
    const left = lines.filter((l) => !gone.has(l.node.descriptor.digest) && (l.verdict === "right" || l.verdict === "unverified"));
    if (lines.length > left.length && left.length === 0 && subjects.every((s) => rest.of(s).every((e) => e.link === "N")))
      positions.add(entry.position);
  }
  const reachable = await reachableWithoutBare(view, positions);
  for (const entry of view.entries) {
    const { digest } = entry.descriptor;
    const served = removed.some((e) => e.subject === digest) && rest.of(digest).length === 0;
    if (served && isBareEntry(entry) && reachable.has(digest)) positions.add(entry.position);
  }
  return [...positions].map((position) => ({ op: "remove", position }));
}

/** Only the subjects that lost a referrer: no other list is touched. */
function onlySubjects(graph: ReferrerGraph, removed: readonly ReferrerEdge[]): ReferrerGraph {
  const subjects = new Set(removed.map((e) => e.subject));
  return graph.filter((e) => subjects.has(e.subject));
}
