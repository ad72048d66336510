import type { Descriptor, Digest, Layout } from "@ocilot/layout";
import { readGraph } from "../conventions/read-graph.js";
import { collectClosure } from "../copy/closure.js";
import { openView } from "../view/open-view.js";
import type { BlobSize, BundleRoot } from "./bundle-document.js";
import type { BundleTarget } from "./bundle-target.js";
import type { ReceivedSet } from "./received-set.js";
import { fullName } from "./stage-bundle.js";

/** One layout of a target, and what of a bundle goes there. */
export interface Place {
  readonly name: string;
  readonly layout: Layout;
  readonly roots: readonly PlacedRoot[];
  /** Configs and layers of these roots and of everything that refers to them. */
  readonly blobs: readonly BlobSize[];
}

/** A root of a bundle, as `index.json` of the bundle lists it, and its tag at the place. */
export interface PlacedRoot {
  readonly root: BundleRoot;
  readonly descriptor: Descriptor;
  readonly tag?: string;
}

/** Opens the layouts that a bundle goes to. Close them when done. */
export async function openPlaces(set: ReceivedSet, target: BundleTarget): Promise<Place[]> {
  const source = await set.layoutOver();
  const view = await openView(source);
  const graph = await readGraph(view);
  const content = new Map<Digest, BlobSize>();
  const { absent, parts } = set.document;
  for (const b of [...absent, ...parts.flatMap((p) => [...p.blobs, ...(p.piece === undefined ? [] : [p.piece])])]) content.set(b.digest, b);
  const byPlace = new Map<string, PlacedRoot[]>();
  for (const root of set.document.roots) {
    const { place, tag } = target.placeOf(root);
    const name = fullName(root);
    const entries = view.entries.filter((e) => e.descriptor.digest === root.digest);
    const entry = entries.find((e) => e.tag === name) ?? entries[0];
    if (entry === undefined) continue;
    const group = byPlace.get(place) ?? [];
    group.push({ root, descriptor: entry.descriptor, ...(tag !== undefined && { tag }) });
    byPlace.set(place, group);
  }
  const closures = new Map<string, ReadonlySet<Digest>>();
  for (const [name, roots] of byPlace) {
    const descriptors = roots.map((r) => r.descriptor);
    // Blobs that name others by their content cannot be searched before they are there.
    const closure = await collectClosure(source, view, graph, descriptors, { hasMore: () => false });
    closures.set(name, new Set(closure.blobs.keys()));
  }
  const unclaimed = [...content.keys()].filter((digest) => ![...closures.values()].some((c) => c.has(digest)));
  const places: Place[] = [];
  try {
    for (const [name, roots] of byPlace) {
      const blobs = [...new Set([...closures.get(name)!, ...unclaimed])].flatMap((digest) => content.get(digest) ?? []);
      const tags = roots.flatMap((r) => r.tag ?? []);
      places.push({ name, roots, blobs, layout: await target.open(name, tags) });
    }
  } catch (error) {
    await closePlaces(places);
    throw error;
  }
  return places;
}

export async function closePlaces(places: readonly Place[]): Promise<void> {
  for (const { layout } of places) await layout.close();
}
