import type { Descriptor, Digest } from "@ocilot/layout/spec";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/**
 * Returns the bytes that it takes to store a manifest with all that it references: every blob once, as large as its descriptor says.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { contentSize, openView } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * console.log(await contentSize(view, await layout.resolve("v1")), "bytes");
 * ```
 */
export async function contentSize(view: LayoutView, root: Descriptor): Promise<number> {
  const sizes = new Map<Digest, number>();
  let level: readonly Descriptor[] = [root];
  while (level.length > 0) {
    const fresh = level.filter((d) => !sizes.has(d.digest) && sizes.set(d.digest, d.size));
    const manifests = (await view.nodes(fresh)).flatMap((n) => manifestOf(n) ?? []);
    level = manifests.flatMap((m) => [...(m.config ? [m.config] : []), ...m.layers, ...m.manifests]);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
