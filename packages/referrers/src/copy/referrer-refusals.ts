import type { Descriptor, Digest, Layout, OcilotError } from "@ocilot/layout";
import type { ReferrerEdge } from "../graph/edge.js";
import { type Closure, collectClosure } from "./closure.js";
import type { CopySelection } from "./select-copy.js";

/** A referrer that a registry refused to take, and what it said. */
export interface RefusedReferrer {
  readonly edge: ReferrerEdge;
  /** Of the registry; absent where only what it refers to was refused. */
  readonly reason?: string;
}

/**
 * Decides what to do about manifests that a registry refuses. An image without one of its manifests is none; without a referrer that is not
 * on the registry's list of types the rest is still worth having.
 */
export class ReferrerRefusals {
  readonly #source: Layout;
  readonly #selection: CopySelection;
  readonly #reasons: Map<Digest, string> = new Map();
  #image: Promise<Closure> | undefined;

  constructor(source: Layout, selection: CopySelection) {
    this.#source = source;
    this.#selection = selection;
  }

  /** Returns true for a manifest that belongs to referrers only. */
  readonly onRefused = async ({ digest }: Descriptor, error: OcilotError): Promise<boolean> => {
    if (this.#selection.edges.length === 0 || (await this.#imageContent()).manifests.has(digest)) return false;
    this.#reasons.set(digest, error.message);
    return true;
  };

  /** Returns the selection without what was refused and what refers to it, and the referrers that are left out. */
  async taken(): Promise<{ readonly selection: CopySelection; readonly refused: readonly RefusedReferrer[] }> {
    if (this.#reasons.size === 0) return { selection: this.#selection, refused: [] };
    const { edges, content, manifests, source, sourceGraph } = this.#selection;
    const [kept, refused]: [ReferrerEdge[], RefusedReferrer[]] = [[], []];
    const gone = new Set(this.#reasons.keys());
    // A referrer of several levels is left out with the one that it refers to; each pass finds the next level.
    for (let before = -1; before !== gone.size;) {
      before = gone.size;
      for (const { subject, referrer } of edges) if (gone.has(subject)) gone.add(referrer.digest);
    }
    for (const edge of edges) {
      if (!gone.has(edge.referrer.digest)) kept.push(edge);
      else refused.push({ edge, ...reasonOf(this.#reasons.get(edge.referrer.digest)) });
    }
    const roots = this.#selection.roots.filter((r) => !gone.has(r.descriptor.digest));
    const graph = sourceGraph.filter((e) => kept.includes(e));
    const rest = await collectClosure(
      this.#source,
      source,
      graph,
      roots.map((r) => r.descriptor),
      { hasMore: () => false },
    );
    const isTaken = ({ digest }: Descriptor): boolean => rest.manifests.has(digest) || rest.blobs.has(digest);
    const selection = { ...this.#selection, roots, edges: kept, content: content.filter(isTaken), manifests: manifests - gone.size };
    return { selection, refused };
  }

  async #imageContent(): Promise<Closure> {
    const { roots, source, sourceGraph, isWhole, edges } = this.#selection;
    const referrers = new Set(edges.map((e) => e.referrer.digest));
    // Of a whole layout, referrers are entries as well.
    const images = roots.map((r) => r.descriptor).filter((d) => !isWhole || !referrers.has(d.digest));
    this.#image ??= collectClosure(this.#source, source, sourceGraph, images, { referrers: false, hasMore: () => false });
    return await this.#image;
  }
}

function reasonOf(reason: string | undefined): Pick<RefusedReferrer, "reason"> {
  return reason === undefined ? {} : { reason };
}
