import type { Digest } from "@ocilot/layout";
import { readGraph } from "../conventions/read-graph.js";
import { collectClosure } from "../copy/closure.js";
import { openView } from "../view/open-view.js";
import type { BundlePlan } from "./plan-bundle.js";
import { fullName } from "./stage-bundle.js";

/** What an image and its referrers take in a bundle, in bytes. */
export interface RootFigures {
  readonly digest: Digest;
  readonly name?: string;
  /** Everything that belongs to it. */
  readonly total: number;
  /** What other images of the bundle need too. */
  readonly shared: number;
  /** What the receipts say the destination has. */
  readonly present: number;
}

/**
 * Returns the figures of each image, in the order of the description. Reads manifests only.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { planBundle, rootFigures, stageBundle } from "@ocilot/referrers";
 *
 * const staged = await stageBundle([{ layout: await Layout.open("./layout") }]);
 * const plan = await planBundle(staged, { name: "images.tar" });
 * for (const { name, total, shared } of await rootFigures(plan)) console.log(name, total, shared);
 * ```
 */
export async function rootFigures(plan: BundlePlan): Promise<RootFigures[]> {
  const { staged, content } = plan;
  const view = await openView(staged.layout);
  const graph = await readGraph(view);
  const sizes = new Map([...staged.manifests, ...staged.blobs].map((b) => [b.digest, b.size]));
  const absent = new Set(content.absent.map((b) => b.digest));
  const closures = new Map<Digest, ReadonlySet<Digest>>();
  for (const { digest } of staged.images) {
    const entry = view.entries.find((e) => e.descriptor.digest === digest);
    if (entry === undefined || closures.has(digest)) continue;
    const { manifests, blobs } = await collectClosure(staged.layout, view, graph, [entry.descriptor], { hasMore: () => false });
    closures.set(digest, new Set([...manifests.keys(), ...blobs.keys()]));
  }
  const uses = new Map<Digest, number>();
  for (const closure of closures.values()) for (const digest of closure) uses.set(digest, (uses.get(digest) ?? 0) + 1);
  return staged.images.map((root) => {
    const closure = [...(closures.get(root.digest) ?? [])];
    const sum = (test: (digest: Digest) => boolean): number => closure.filter(test).reduce((n, digest) => n + (sizes.get(digest) ?? 0), 0);
    const name = fullName(root);
    return {
      digest: root.digest,
      ...(name !== undefined && { name }),
      total: sum(() => true),
      shared: sum((digest) => uses.get(digest)! > 1),
      present: sum((digest) => absent.has(digest)),
    };
  });
}
