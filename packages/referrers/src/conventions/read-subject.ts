import type { Digest } from "@ocilot/layout/spec";
import type { ConventionId } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { VERIFY_UP_TO, believeLists } from "../records/believed-lists.js";
import { viewOfSubject } from "../records/subject-view.js";
import type { LayoutView } from "../view/layout-view.js";
import { readGraph } from "./read-graph.js";

/** How the referrers of one subject are read. */
export interface ReadSubjectOptions {
  /** Read these conventions only (default: all). */
  readonly conventions?: readonly ConventionId[] | undefined;
  /**
   * A list with more lines than this is taken at its word: its manifests are not opened, and their edges are `unopened`
   * (default: 256; `Infinity` opens every manifest).
   */
  readonly verifyUpTo?: number | undefined;
}

/**
 * Returns a graph that holds the referrers of one subject. Of other subjects it holds what had to be read beside. Only for answers to a
 * person: what decides over writing takes {@link readGraph} of the whole layout.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readSubject } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const graph = await readSubject(await openView(layout), image.digest); // reads what the question needs
 * console.log(graph.of(image.digest).length);
 * ```
 */
export async function readSubject(view: LayoutView, subject: Digest, options: ReadSubjectOptions = {}): Promise<ReferrerGraph> {
  const own = viewOfSubject(view, subject);
  return await readGraph(await believeLists(own, subject, options.verifyUpTo ?? VERIFY_UP_TO), options.conventions);
}
