import { type Descriptor, type Digest, compareDigests } from "@ocilot/layout";
import { type ReferrerEdge, type ReferrerGraph, responseDescriptor } from "@ocilot/referrers";

/** The referrers of one subject, each as the Referrers API describes it. */
interface Listed {
  readonly lines: Map<Digest, Descriptor>;
  sorted: readonly Descriptor[] | undefined;
}

const NONE: readonly Descriptor[] = [];

/**
 * The answers of the Referrers API: of each subject the manifests that exist and whose `subject` names it, whichever convention
 * recorded them. What is pushed is added without reading the layout again.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export class ReferrerLists {
  readonly #bySubject: Map<Digest, Listed> = new Map();

  constructor(graph?: ReferrerGraph) {
    for (const edge of graph?.edges() ?? []) this.add(edge);
  }

  /** A link that only a record states is none for the API, and neither is a manifest that cannot be read. */
  add(edge: ReferrerEdge): void {
    if (edge.link !== "S" || !edge.verified) return;
    const listed = this.#bySubject.get(edge.subject);
    const line = responseDescriptor(edge);
    if (listed === undefined) this.#bySubject.set(edge.subject, { lines: new Map([[line.digest, line]]), sorted: undefined });
    else {
      listed.lines.set(line.digest, line);
      listed.sorted = undefined;
    }
  }

  /** The referrers of `subject`, sorted by digest. The same array as long as nothing was added to it. */
  of(subject: Digest): readonly Descriptor[] {
    const listed = this.#bySubject.get(subject);
    if (listed === undefined) return NONE;
    listed.sorted ??= [...listed.lines.values()].toSorted((a, b) => compareDigests(a.digest, b.digest));
    return listed.sorted;
  }
}
