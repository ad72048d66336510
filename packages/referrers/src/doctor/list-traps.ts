import { OLAREG_CONVERT, type Digest } from "@ocilot/layout/spec";
import { subjectEdge } from "../graph/referrer-graph.js";
import { type ListLine, type ListRecord, findLists, listsOf } from "../records/referrer-lists.js";
import { responseDescriptor, sameLine } from "../records/response-index.js";
import { type Examination, type Symptom, type TrapLocation, symptom } from "./examination.js";

/** Traps of lists under referrers tags, and of tags that look like those. */
export async function listTraps({ view, graph }: Examination): Promise<Symptom[]> {
  const lists = await findLists(view);
  const isTakenOver = view.annotations[OLAREG_CONVERT] === "true";
  const fallback = lists.records.filter((r) => r.convention === "regclient");
  const inexact = isTakenOver ? [] : fallback.filter((r) => !isExact(r));
  const unserved = isTakenOver ? fallback.filter((r) => r.subjects.some(isUnserved)) : [];
  return [
    ...symptom(
      "LIST_INEXACT",
      inexact.map((r) => place(r, "differs from what its manifests say")),
    ),
    ...symptom(
      "LIST_NOT_SERVED",
      unserved.map((r) => place(r, "is not in the form of olareg, although index.json is annotated so")),
    ),
    // Each tag is fixed by a command of its own.
    ...lists.realTags.flatMap(({ position, tag, descriptor: { digest } }) =>
      symptom("TAG_LIKE_LIST", [{ message: `the tag ${tag} is ${digest}, which is not a list`, position, digest, tag: tag! }]),
    ),
  ];

  function isUnserved(subject: Digest): boolean {
    return listsOf(lists, "olareg", subject).length === 0 && graph.of(subject).some((e) => e.link === "S");
  }
}

function place({ entry, subjects }: ListRecord, what: string): TrapLocation {
  const { position, descriptor } = entry;
  return {
    message: `the list ${descriptor.digest} of ${subjects.join(" and ") || "no subject"} ${what}`,
    position,
    digest: descriptor.digest,
  };
}

/** Compares as olareg does: every line readable, of one subject, and as it would have written it. */
function isExact({ lines, subjects }: ListRecord): boolean {
  return subjects.length < 2 && lines.every(isExactLine);
}

function isExactLine({ node, verdict }: ListLine): boolean {
  const edge = subjectEdge(node, { convention: "regclient" });
  return verdict === "right" && edge !== undefined && sameLine(node.descriptor, responseDescriptor(edge));
}
