import { type Descriptor, type Layout, OcilotError, entriesNamed } from "@ocilot/layout/web";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import type { RecordKey } from "../records/projection.js";
import { recordKeys } from "../records/record-keys.js";
import { SPARSE_PLATFORMS } from "../platform/sparse-platforms.js";
import type { LayoutView } from "../view/layout-view.js";
import type { RootEntry } from "./copied-entries.js";

/** Returns every entry of a layout; without the lists that conventions keep for referrers if `withoutLists` is set. */
export async function allRoots(view: LayoutView, graph: ReferrerGraph, withoutLists: boolean): Promise<RootEntry[]> {
  const keys = withoutLists ? await recordKeys(graph, view) : new Map<number, RecordKey>();
  const entries = view.entries.filter((e) => keys.get(e.position)?.rank !== "list");
  return entries.map(({ descriptor, tag }) => ({ descriptor, ...(tag !== undefined && { tag }) }));
}

/**
 * Returns what references name, as the source lists it.
 * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`; `USAGE` for a new tag of several references
 */
export async function namedRoots(
  source: Layout,
  view: LayoutView,
  references: readonly string[],
  newTag: string | undefined,
): Promise<RootEntry[]> {
  if (newTag !== undefined && references.length !== 1) {
    throw new OcilotError("USAGE", "a new tag goes with one reference", { argument: "tag" });
  }
  const snapshot = await source.index.read();
  const roots: RootEntry[] = [];
  for (const reference of references) {
    const descriptor = await source.resolve(reference);
    const named = reference.startsWith("@") || reference === "" ? view.entries : entriesNamed(snapshot, reference);
    const same = named.filter((e) => e.descriptor.digest === descriptor.digest);
    const entry = same.find((e) => e.descriptor === descriptor) ?? same.find((e) => e.tag !== undefined) ?? same[0];
    const tag = newTag ?? entry?.tag;
    roots.push({ descriptor: withNote(entry?.descriptor ?? descriptor, view), ...(tag !== undefined && { tag }) });
  }
  return roots;
}

/** Any entry of an index may note that a copy left platforms out. */
function withNote(d: Descriptor, view: LayoutView): Descriptor {
  const notes = view.entries.flatMap((e) => (e.descriptor.digest === d.digest ? (e.descriptor.annotations?.[SPARSE_PLATFORMS] ?? []) : []));
  return notes[0] === undefined ? d : { ...d, annotations: { ...d.annotations, [SPARSE_PLATFORMS]: notes[0] } };
}

/** @throws OcilotError `USAGE` if there are several roots */
export function onlyRoot(roots: readonly RootEntry[]): RootEntry {
  if (roots.length === 1) return roots[0]!;
  throw new OcilotError("USAGE", "an index is rewritten only where one image is copied", { argument: "rewrite-index" });
}
