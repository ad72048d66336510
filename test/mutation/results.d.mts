/** A change of one place of the code. `column` counts from 1 within the line without its indentation. */
export interface Mutant {
  readonly file: string;
  readonly line: string;
  readonly column: number;
  readonly original: string;
  readonly mutant: string;
}

/** A mutant that no test of its group notices, and why. */
export interface Survivor extends Mutant {
  readonly group: string;
  readonly reason: string;
}

export interface Figures {
  readonly mutants: number;
  /** A test failed, or did not end. */
  readonly killed: number;
  /** How many of the killed ones made a test run for so long that it was stopped. */
  readonly timedOut: number;
}

/** The content of survivors.json. */
export interface Results {
  readonly groups: Readonly<Record<string, Figures>>;
  readonly survivors: readonly Survivor[];
}

export function mergeResults(results: Results, group: string, run: { figures: Figures; survivors: readonly Mutant[] }): Results;
export function mergeAgain(
  results: Results,
  group: string,
  found: readonly (Mutant & { readonly status: "Killed" | "Timeout" | "Survived" | "NoCoverage" })[],
): Results;
export function mutationPage(results: Results): string;
export function unexplained<M extends Mutant>(results: Results, found: readonly M[]): M[];
