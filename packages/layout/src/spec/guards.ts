/** A JSON object, as opposed to an array or a scalar. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of an object that ocilot acts on. */
export class MemberNames {
  readonly #names: ReadonlySet<string>;
  readonly #lengths: ReadonlySet<number>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
    this.#lengths = new Set(names.map((name) => name.length));
  }

  /**
   * A member that Go would take for one of these although it is spelled in other letters, as Go's decoder does: ocilot
   * would pass it over and most other tools would not.
   */
  misspelledIn(value: Readonly<Record<string, unknown>>): string | undefined {
    for (const key of Object.keys(value)) {
      if (!this.#lengths.has(key.length) || this.#names.has(key)) continue;
      const folded = foldLetters(key);
      for (const name of this.#names) if (foldLetters(name) === folded) return key;
    }
    return undefined;
  }
}

/** Go folds the long s and the Kelvin sign as well. */
function foldLetters(key: string): string {
  return key.toLowerCase().replaceAll("\u017f", "s");
}

/** Returns `value` if it is an object of strings, else throws what `fail` makes of the reason. */
export function stringMap(value: unknown, fail: (reason: string) => Error): Readonly<Record<string, string>> {
  if (!isRecord(value)) throw fail("is not an object");
  for (const key of Object.keys(value)) {
    if (typeof value[key] !== "string") throw fail(`has a value under ${JSON.stringify(key)} that is not a string`);
  }
  return value as Record<string, string>;
}
