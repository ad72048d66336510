import type { Descriptor, Digest, Layout } from "@ocilot/layout";
import type { ConventionId, Evidence, ReferrerEdge } from "./edge.js";
import type { ReferrerGraph } from "./graph.js";
import { focusOn } from "./focus.js";
import { type ViewOptions, openView } from "./layout-view.js";
import { readGraph } from "./read-graph.js";

/** A referrer as the Referrers API describes it, with how it was found. */
export interface Referrer {
  /** With `artifactType` and the manifest's annotations, as distribution-spec 1.1 asks. */
  readonly descriptor: Descriptor;
  readonly subject: Digest;
  /** `"N"` where the manifest has no `subject` and only a record makes the link. */
  readonly link: "S" | "N";
  /** False where the manifest could not be read: the descriptor is then what a record claims. */
  readonly verified: boolean;
  /** The manifest is of a kind that image-spec 1.1 withdrew. */
  readonly legacy?: true;
  readonly evidence: readonly Evidence[];
  /** Referrers of this referrer; only with `recursive`. */
  readonly referrers?: readonly Referrer[];
}

/** Which referrers are wanted. */
export interface ListOptions extends ViewOptions {
  /** Only those of this artifact type. With `recursive` it leaves out whole branches, as the API would. */
  artifactType?: string;
  /** Look through these conventions only; all of them unless told. */
  conventions?: readonly ConventionId[];
  recursive?: boolean;
}

/**
 * The referrers of a subject, sorted by digest. The subject need not be in the layout. Records that name another subject are
 * taken at their word and not opened, unless `recursive` or `scan` ask for the whole layout.
 * @throws OcilotError what reading `index.json` throws
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function* listReferrers(layout: Layout, subject: Digest, options: ListOptions = {}): AsyncIterable<Referrer> {
  const view = await openView(layout, options);
  const isWhole = options.recursive === true || options.scan === true;
  const graph = await readGraph(isWhole ? view : focusOn(view, subject), options.conventions);
  yield* referrersIn(graph, subject, options);
}

/** As {@link listReferrers}, from a graph at hand. */
export function referrersIn(
  graph: ReferrerGraph,
  subject: Digest,
  options: Pick<ListOptions, "artifactType" | "recursive"> = {},
): Referrer[] {
  return below(subject, new Set([subject]));

  function below(of: Digest, path: ReadonlySet<Digest>): Referrer[] {
    return graph
      .of(of)
      .filter((e) => options.artifactType === undefined || e.artifactType === options.artifactType)
      .map((e) => toReferrer(e, path));
  }

  function toReferrer(edge: ReferrerEdge, path: ReadonlySet<Digest>): Referrer {
    const { referrer, annotations, artifactType, subject: of, link, verified, legacy, evidence } = edge;
    const descriptor: Descriptor = {
      ...referrer,
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ...(artifactType !== undefined && { artifactType }),
    };
    const found = { descriptor, subject: of, link, verified, ...(legacy && { legacy }), evidence };
    // Sound hashes allow no cycle, but a record may claim one.
    if (options.recursive !== true || path.has(referrer.digest)) return found;
    return { ...found, referrers: below(referrer.digest, new Set([...path, referrer.digest])) };
  }
}
