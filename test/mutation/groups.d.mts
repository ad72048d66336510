/** A guard: the files that are mutated and the tests that have to notice; paths start in `packages/`. */
export interface Group {
  readonly guards: string;
  readonly sources: readonly string[];
  readonly tests: readonly string[];
  /** It also runs in CI. */
  readonly isQuick?: boolean;
}

export const GROUPS: Readonly<Record<string, Group>>;
