/** Annotations that state the predicate type of a statement: BuildKit's and Docker Scout's, cosign's on a layer, sigstore's. */
const KEYS = ["in-toto.io/predicate-type", "predicateType", "dev.sigstore.bundle.predicateType"] as const;

/** The predicate type that the first of several sets of annotations states. */
export function annotatedPredicate(...sets: readonly (Readonly<Record<string, string>> | undefined)[]): string | undefined {
  for (const annotations of sets) {
    if (annotations === undefined) continue;
    for (const key of KEYS) if (Object.hasOwn(annotations, key) && annotations[key] !== "") return annotations[key];
  }
  return undefined;
}
