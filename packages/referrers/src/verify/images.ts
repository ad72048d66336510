import type { Descriptor, Digest } from "@ocilot/layout/spec";
import { rootImages } from "../conventions/root-images.js";
import { groupBy } from "../graph/group-by.js";
import { findLists } from "../records/referrer-lists.js";
import { type PathStep, entryStep, platformName } from "./reference-path.js";
import type { VerifyEvidence } from "./evidence.js";

/** The subject of a requirement: an image, or the manifest of one of its platforms. */
export interface Subject {
  readonly digest: Digest;
  readonly steps: readonly PathStep[];
  /** Of a platform's manifest, where the index names it. */
  readonly platform?: string;
}

/** An image: what an entry names that is not a list, a referrer or part of another image. */
export interface Image extends Subject {
  readonly tags: readonly string[];
  /** Its platforms, through nested indexes. An image that is no index is its own only one. */
  readonly platforms: readonly Subject[];
}

/**
 * Returns the images of a layout, or those requested. Platforms that are missing by design are left out.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { imagesOf, verifyLayout } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { evidence } = await verifyLayout(layout);
 * if (evidence !== undefined) for (const image of await imagesOf(evidence)) console.log(image);
 * ```
 */
export async function imagesOf(evidence: VerifyEvidence): Promise<Image[]> {
  const { snapshot, entries, view, graph, inventory } = evidence;
  const isWhole = entries === snapshot.entries;
  const roots = isWhole ? [...(await rootImages(graph, view)).values()] : entries;
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.position));
  const referrers = graph.referrers();
  const named = groupBy(
    entries.filter((e) => e.tag !== undefined && !lists.has(e.position)),
    (e) => e.descriptor.digest,
  );
  return roots.map((entry) => {
    const { digest } = entry.descriptor;
    const same = named.get(digest) ?? [];
    const steps = [entryStep(same[0] ?? entry)];
    const isIndex = (inventory.manifests.get(digest)?.kind ?? "").match(/^(index|docker-list)$/) !== null;
    return {
      digest,
      steps,
      tags: same.map((e) => e.tag!),
      platforms: isIndex ? leaves(entry.descriptor, steps) : [{ digest, steps }],
    };
  });

  function leaves(index: Descriptor, steps: readonly PathStep[], seen: Set<Digest> = new Set()): Subject[] {
    const children = inventory.manifests.get(index.digest)?.manifests ?? [];
    return children.flatMap((d, i): Subject[] => {
      if (referrers.has(d.digest) || seen.has(d.digest) || inventory.omitted.has(d.digest)) return [];
      seen.add(d.digest);
      const platform = platformName(d.platform);
      const here: PathStep[] = [...steps, { kind: "child", index: i, digest: d.digest, ...(platform !== undefined && { platform }) }];
      const kind = inventory.manifests.get(d.digest)?.kind;
      if (kind === "index" || kind === "docker-list") return leaves(d, here, seen);
      return [{ digest: d.digest, steps: here, ...(platform !== undefined && { platform }) }];
    });
  }
}
