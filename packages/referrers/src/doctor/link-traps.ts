import { type ReferrerEdge, isUnlisted } from "../graph/edge.js";
import { type Examination, type Symptom, type TrapLocation, symptom } from "./examination.js";

/** Traps of links, in any convention. */
export async function linkTraps({ view, graph, links, unlifted }: Examination): Promise<Symptom[]> {
  const dangling: ReferrerEdge[] = [];
  for (const subject of graph.subjects()) if (!(await view.has(subject))) dangling.push(...graph.of(subject));
  const unlisted = links.filter(isUnlisted);
  return [
    ...symptom(
      "REFERRER_UNLISTED",
      unlisted.map((e) => place(e, "is in blobs/, but no record lists it")),
    ),
    ...symptom(
      "NO_SUBJECT",
      unlifted.filter((e) => e.link === "N").map((e) => place(e, "has no `subject` field")),
    ),
    ...symptom(
      "LEGACY_TYPE",
      unlifted.filter((e) => e.link === "S").map((e) => place(e, `is ${e.referrer.mediaType}`)),
    ),
    ...symptom(
      "SUBJECT_DANGLING",
      dangling.map((e) => place(e, "refers to a subject that is not in the layout")),
    ),
  ];
}

function place(edge: ReferrerEdge, what: string): TrapLocation {
  const position = edge.evidence.find((e) => e.position !== undefined)?.position;
  const { digest } = edge.referrer;
  return { message: `${digest} of ${edge.subject} ${what}`, digest, ...(position !== undefined && { position }) };
}
