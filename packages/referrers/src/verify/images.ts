import type { Descriptor, Digest } from "@ocilot/layout/spec";
import { rootsOf } from "../conventions/roots.js";
import { isLeftOut } from "../copy/sparse.js";
import { findLists } from "../lists.js";
import { type PathStep, entryStep, platformName } from "./path.js";
import type { Evidence } from "./verify-layout.js";

/** What a requirement can be about: an image, or the manifest of one of its platforms. */
export interface Subject {
  readonly digest: Digest;
  readonly steps: readonly PathStep[];
  /** Of a platform's manifest, where the index names it. */
  readonly platform?: string;
}

/** An image: what an entry names that is no list, no referrer and no part of another image. */
export interface Image extends Subject {
  readonly tags: readonly string[];
  /** Its platforms, through nested indexes. An image that is no index is its own only one. */
  readonly platforms: readonly Subject[];
}

/** The images of a layout, or what was asked for. Platforms that a copy left out on purpose are not there. */
export async function imagesOf({ snapshot, entries, view, graph, inventory }: Evidence): Promise<Image[]> {
  const isWhole = entries === snapshot.entries;
  const roots = isWhole ? [...(await rootsOf(graph, view)).values()] : entries;
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.position));
  const referrers = new Set(graph.edges().map((e) => e.referrer.digest));
  const named = entries.filter((e) => e.tag !== undefined && !lists.has(e.position));
  return roots.map((entry) => {
    const { digest } = entry.descriptor;
    const same = named.filter((e) => e.descriptor.digest === digest);
    const steps = [entryStep(same[0] ?? entry)];
    const rootDescriptors = entries.filter((e) => e.descriptor.digest === digest).map((e) => e.descriptor);
    const isIndex = (inventory.manifests.get(digest)?.kind ?? "").match(/^(index|docker-list)$/) !== null;
    return {
      digest,
      steps,
      tags: same.map((e) => e.tag!),
      platforms: isIndex ? leaves(entry.descriptor, steps, rootDescriptors) : [{ digest, steps }],
    };
  });

  function leaves(
    index: Descriptor,
    steps: readonly PathStep[],
    rootDescriptors: readonly Descriptor[],
    seen: Set<Digest> = new Set(),
  ): Subject[] {
    const children = inventory.manifests.get(index.digest)?.manifests ?? [];
    return children.flatMap((d, i): Subject[] => {
      if (referrers.has(d.digest) || seen.has(d.digest) || isLeftOut(d, rootDescriptors)) return [];
      seen.add(d.digest);
      const platform = platformName(d.platform);
      const here: PathStep[] = [...steps, { kind: "child", index: i, digest: d.digest, ...(platform !== undefined && { platform }) }];
      const kind = inventory.manifests.get(d.digest)?.kind;
      if (kind === "index" || kind === "docker-list") return leaves(d, here, rootDescriptors, seen);
      return [{ digest: d.digest, steps: here, ...(platform !== undefined && { platform }) }];
    });
  }
}
