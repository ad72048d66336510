import type { Digest } from "@ocilot/layout/spec";
import type { ConventionId, Problem, ReferrerEdge } from "../graph/edge.js";
import { recordedEdge, subjectEdge } from "../graph/referrer-graph.js";
import type { OpenedEntry } from "../records/referrer-entries.js";
import { manifestOf } from "../view/layout-view.js";

/**
 * The edge that an entry's name or `kind` makes to `subject`: an S-edge where the manifest agrees, an N-edge where it
 * has no subject, and none where it names another, or where the entry would refer to itself.
 */
export function reportedEdge({ entry, node }: OpenedEntry, subject: Digest, convention: ConventionId): ReferrerEdge | undefined {
  const evidence = { convention, position: entry.position };
  if (entry.descriptor.digest === subject) return undefined;
  const edge = subjectEdge(node, evidence);
  if (edge !== undefined) return edge.subject === subject ? edge : undefined;
  return recordedEdge(subject, node, evidence, "N");
}

/** Returns what is wrong with such a record; `by` names the tag or `kind`. */
export function reportedEdgeProblems({ entry, node }: OpenedEntry, subject: Digest, by: string): Problem[] {
  const { digest } = entry.descriptor;
  const about = { position: entry.position, digest };
  if (digest === subject) return [{ code: "SUBJECT_CONFLICT", message: `${by} says that ${digest} refers to itself`, ...about }];
  const own = manifestOf(node)?.subject?.digest;
  if (own !== undefined && own !== subject) {
    const message = `${by} names ${subject}, the subject of the manifest ${digest} is ${own}; the manifest is right`;
    return [{ code: "SUBJECT_CONFLICT", message, ...about }];
  }
  if (node.state === "absent")
    return [{ code: "UNVERIFIED_LINE", message: `${by} names ${digest}, which is missing from the layout`, ...about }];
  return [];
}
