import { type Descriptor, type Digest, type IndexSnapshot, type Layout, isOcilotError } from "@ocilot/layout";
import type { ReferrerGraph } from "@ocilot/referrers";
import { type Reference, digestIn, resolveIn } from "./reference.js";

/** What a reference names, as a subject, and who refers to it. */
export interface FoundSubject {
  /** Only a digest where it is not in the layout. */
  readonly subject: Descriptor | { readonly digest: Digest };
  readonly graph: ReferrerGraph;
}

/**
 * Finds the subject that a reference names: it need not be there as long as something refers to it. The graph is what
 * `read` makes of its digest.
 * @throws OcilotError what {@link resolveIn} throws
 */
export async function findSubject(
  layout: Layout,
  snapshot: IndexSnapshot,
  reference: Reference,
  read: (subject: Digest) => Promise<ReferrerGraph>,
): Promise<FoundSubject> {
  try {
    const subject = await resolveIn(layout, reference, snapshot);
    return { subject, graph: await read(subject.digest) };
  } catch (error) {
    const digest = digestIn(reference);
    if (!isOcilotError(error, "REF_NOT_FOUND") || digest === undefined) throw error;
    const graph = await read(digest);
    if (graph.of(digest).length === 0) throw error;
    return { subject: { digest }, graph };
  }
}
