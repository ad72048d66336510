import type { Descriptor } from "@ocilot/layout/web";
import { DescriptorMap } from "./descriptor-map.js";
import type { ManifestNode } from "./layout-view.js";
import { describedBy } from "./manifest-nodes.js";

/**
 * Manifests that views of one layout have opened, for a program that looks at it again and again. Content of a digest does not
 * change, so what could be read once is not opened again; what was missing or corrupt is.
 */
export class ManifestCache {
  readonly #nodes: DescriptorMap<ManifestNode> = new DescriptorMap();

  /** @param nodes what was read before */
  constructor(nodes: Iterable<ManifestNode> = []) {
    for (const node of nodes) this.keep(node.descriptor, node);
  }

  /** What was read of a manifest. */
  get(d: Descriptor): ManifestNode | undefined {
    return this.#nodes.get(d);
  }

  /** Keeps what was read of a manifest, and nothing else. */
  keep(d: Descriptor, node: ManifestNode): void {
    if (node.state === "read") this.#nodes.set(describedBy(node, d));
  }
}
