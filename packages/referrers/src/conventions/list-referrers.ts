import type { Descriptor, Digest, Layout } from "@ocilot/layout/web";
import type { ConventionId, LinkEvidence, ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { matchesGlob } from "../graph/glob.js";
import { openView } from "../view/open-view.js";
import type { ViewOptions } from "../view/view-options.js";
import { readGraph } from "./read-graph.js";
import { type ReadSubjectOptions, readSubject } from "./read-subject.js";

/** A referrer as the Referrers API describes it, with how it was found. */
export interface Referrer {
  /** With `artifactType` and the manifest's annotations, as distribution-spec 1.1 asks. */
  readonly descriptor: Descriptor;
  readonly subject: Digest;
  /** `"N"` where the manifest has no `subject` and only a record makes the link. */
  readonly link: "S" | "N";
  /** False if the manifest could not be read, or was not opened: the descriptor is then what a record says. */
  readonly verified: boolean;
  /** The manifest is present and was not opened, because its list is taken at its word. */
  readonly unopened?: true;
  /** The manifest is of a kind that image-spec 1.1 withdrew. */
  readonly legacy?: true;
  readonly evidence: readonly LinkEvidence[];
  /** Referrers of this referrer; only with `recursive`. */
  readonly referrers?: readonly Referrer[];
}

/** Which referrers are wanted. */
export interface ListOptions extends ViewOptions, Pick<ReadSubjectOptions, "verifyUpTo"> {
  /** Only those of this artifact type, in which `*` and `?` match any characters. With `recursive` it leaves out whole branches, as the API would. */
  artifactType?: string;
  /** Read these conventions only (default: all). */
  conventions?: readonly ConventionId[];
  recursive?: boolean;
}

/**
 * The referrers of a subject, sorted by digest. The subject need not be in the layout. Records that name another subject are
 * taken at their word and not opened, and so is a long list of this subject, whose referrers are then `unopened`; `recursive` and `scan`
 * read the whole layout and open everything.
 * @throws OcilotError what reading `index.json` throws
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { listReferrers } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * for await (const { descriptor, referrers = [] } of listReferrers(layout, image.digest, { recursive: true }))
 *   console.log(descriptor.artifactType, descriptor.digest, referrers.length);
 * ```
 */
export async function* listReferrers(layout: Layout, subject: Digest, options: ListOptions = {}): AsyncIterable<Referrer> {
  const view = await openView(layout, options);
  const isWhole = options.recursive === true || options.scan === true;
  const graph = isWhole ? await readGraph(view, options.conventions) : await readSubject(view, subject, options);
  yield* referrersIn(graph, subject, options);
}

/**
 * As {@link listReferrers}, from a graph at hand.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readGraph, referrersIn } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * const image = await layout.resolve("v1");
 * for (const { descriptor } of referrersIn(graph, image.digest, { recursive: true })) console.log(descriptor.digest);
 * ```
 */
export function referrersIn(
  graph: ReferrerGraph,
  subject: Digest,
  options: Pick<ListOptions, "artifactType" | "recursive"> = {},
): Referrer[] {
  return below(subject, new Set([subject]));

  function below(of: Digest, path: ReadonlySet<Digest>): Referrer[] {
    return graph
      .of(of)
      .filter((e) => options.artifactType === undefined || matchesGlob(e.artifactType ?? "", options.artifactType))
      .map((e) => toReferrer(e, path));
  }

  function toReferrer(edge: ReferrerEdge, path: ReadonlySet<Digest>): Referrer {
    const { referrer, annotations, artifactType, subject: of, link, verified, unopened, legacy, evidence } = edge;
    const descriptor: Descriptor = {
      ...referrer,
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ...(artifactType !== undefined && { artifactType }),
    };
    const found = { descriptor, subject: of, link, verified, ...(unopened && { unopened }), ...(legacy && { legacy }), evidence };
    // Digests allow no cycle, but records can state one.
    if (options.recursive !== true || path.has(referrer.digest)) return found;
    return { ...found, referrers: below(referrer.digest, new Set([...path, referrer.digest])) };
  }
}
