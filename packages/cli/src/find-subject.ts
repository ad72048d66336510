import { type Descriptor, type Digest, type Layout, isOcilotError } from "@ocilot/layout";
import type { ReferrerGraph } from "@ocilot/referrers";
import { type Reference, digestIn, resolveIn } from "./reference.js";

/**
 * What a reference names, as a subject: it need not be there as long as something refers to it.
 * @throws OcilotError what {@link resolveIn} throws
 */
export async function findSubject(
  layout: Layout,
  reference: Reference,
  graph: ReferrerGraph,
): Promise<Descriptor | { readonly digest: Digest }> {
  try {
    return await resolveIn(layout, reference);
  } catch (error) {
    const digest = digestIn(reference);
    if (isOcilotError(error, "REF_NOT_FOUND") && digest !== undefined && graph.of(digest).length > 0) return { digest };
    throw error;
  }
}
