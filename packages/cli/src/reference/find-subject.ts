import { type Descriptor, type Digest, type Layout, type Reference, isOcilotError } from "@ocilot/layout";
import type { ReferrerGraph } from "@ocilot/referrers";
import { digestIn } from "./digest-in.js";
import { type ResolveSettings, resolveIn } from "./resolve.js";

/** What a reference names, as a subject, and who refers to it. */
export interface FoundSubject {
  /** Only a digest where it is not in the layout. */
  readonly subject: Descriptor | { readonly digest: Digest };
  readonly graph: ReferrerGraph;
}

/** The subject that is asked for. */
export interface WantedSubject extends ResolveSettings {
  readonly reference: Reference;
}

/**
 * Finds the subject that a reference names: it need not be there as long as something refers to it. The graph is what
 * `read` makes of its digest.
 * @throws OcilotError what {@link resolveIn} throws
 */
export async function findSubject(
  layout: Layout,
  wanted: WantedSubject,
  read: (subject: Digest) => Promise<ReferrerGraph>,
): Promise<FoundSubject> {
  try {
    const subject = await resolveIn(layout, wanted.reference, wanted);
    return { subject, graph: await read(subject.digest) };
  } catch (error) {
    const digest = wanted.platform === undefined ? digestIn(wanted.reference) : undefined;
    if (!isOcilotError(error, "REF_NOT_FOUND") || digest === undefined) throw error;
    const graph = await read(digest);
    if (graph.of(digest).length === 0) throw error;
    return { subject: { digest }, graph };
  }
}
