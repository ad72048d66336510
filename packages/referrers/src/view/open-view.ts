import { type IndexSnapshot, type Layout, ValuePool } from "@ocilot/layout/web";
import { DescriptorMap } from "./descriptor-map.js";
import type { LayoutView } from "./layout-view.js";
import type { ManifestCache } from "./manifest-cache.js";
import { OpenedView } from "./opened-view.js";
import type { ViewOptions } from "./view-options.js";

/**
 * A view of the layout as it is now, or as `snapshot` says it was. With `cache` it shares what it opens with other views.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * for (const { tag, descriptor } of view.entries) console.log(tag, descriptor.digest);
 * ```
 */
export async function openView(
  layout: Layout,
  options: ViewOptions & { snapshot?: IndexSnapshot; cache?: ManifestCache } = {},
): Promise<LayoutView> {
  const snapshot = options.snapshot ?? (await layout.index.read());
  return new OpenedView(snapshot.entries, snapshot.annotations, {
    layout,
    options,
    quirks: snapshot.quirks,
    otherMembers: snapshot.otherMembers,
    nodes: new DescriptorMap(),
    batches: new WeakMap(),
    sharing: new ValuePool(),
    texts: new Map(),
    present: new Map(),
    refused: { any: false },
  });
}
