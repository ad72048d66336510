import { type Descriptor, type Digest, type Layout, manifestKind } from "@ocilot/layout/web";
import { DescriptorSet } from "./descriptor-map.js";
import { contentBesideEntries } from "./content-beside-entries.js";
import { blobsNamedBy } from "./followed-blobs.js";
import { type LayoutView, manifestOf } from "./layout-view.js";

/**
 * Returns those of `digests` that something in the layout names, with what does: a manifest that has it as child, config, layer or subject,
 * or content of a media type that ocilot does not know; undefined for an entry and one of Docker's files. No result where a part cannot be
 * read: what it names is unknown.
 */
export async function stillNamed(
  layout: Layout,
  view: LayoutView,
  digests: ReadonlySet<Digest>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<Digest, Digest | undefined> | undefined> {
  const named = new Map<Digest, Digest | undefined>();
  const seen = new DescriptorSet();
  const unsearched: Descriptor[] = [];
  /** Of a digest whose descriptors differ in size one may be readable. */
  const opened = { read: new Set<Digest>(), damaged: new Set<Digest>() };
  let level = fresh([...view.entries.map((e) => e.descriptor), ...(await contentBesideEntries(layout, view))]);
  while (level.length > 0) {
    const nodes = await view.nodes(level.filter((d) => manifestKind(d.mediaType) !== undefined));
    unsearched.push(...level.filter((d) => manifestKind(d.mediaType) === undefined));
    for (const { state, descriptor } of nodes) if (state === "read" || state === "damaged") opened[state].add(descriptor.digest);
    level = nodes.flatMap((node) => {
      const { config, layers = [], manifests = [], subject } = manifestOf(node) ?? {};
      const parts = [config, ...layers, ...manifests, subject].filter((d) => d !== undefined);
      return fresh(parts, node.descriptor.digest);
    });
    if (level.length > 0 || [...digests].every((digest) => named.has(digest))) continue;
    const { links, unreadable } = await blobsNamedBy(layout, unsearched.splice(0), signal);
    if (unreadable.length > 0) return undefined;
    level = links.flatMap((link) => fresh([link.named], link.by.digest));
  }
  const isUnknown = [...opened.damaged].some((digest) => !opened.read.has(digest));
  return isUnknown ? undefined : new Map([...named].filter(([digest]) => digests.has(digest)));

  function fresh(ds: readonly Descriptor[], by?: Digest): Descriptor[] {
    for (const { digest } of ds) if (!named.has(digest)) named.set(digest, by);
    return ds.filter((d) => seen.add(d));
  }
}
