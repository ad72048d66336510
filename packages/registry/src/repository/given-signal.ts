/** An option of an operation that may be left out, but not undefined. */
export interface GivenSignal {
  readonly signal?: AbortSignal;
}

/** Returns the option for an operation that either of two signals ends. */
export function givenSignal(one: AbortSignal | undefined, other: AbortSignal | undefined): GivenSignal {
  if (one === undefined || other === undefined || one === other) {
    const only = one ?? other;
    return only === undefined ? {} : { signal: only };
  }
  return { signal: AbortSignal.any([one, other]) };
}
