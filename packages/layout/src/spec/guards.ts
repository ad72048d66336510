import { foldLetters } from "./fold-letters.js";

/**
 * Returns true for a JSON object, false for an array or a scalar.
 * @example
 * ```ts
 * import { isRecord } from "@ocilot/layout";
 *
 * const value: unknown = JSON.parse('{"a":1}');
 * if (isRecord(value)) console.log(value["a"]); // 1
 * ```
 */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Finds members that are spelled in other letters than ocilot reads them. */
export class MemberNames {
  readonly #names: ReadonlySet<string>;
  readonly #lengths: ReadonlySet<number>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
    this.#lengths = new Set(names.map((name) => name.length));
  }

  /**
   * Returns a member that Go's decoder takes for one of the names although it is spelled in other letters: ocilot would ignore it and most
   * other tools would not.
   */
  misspelledIn(value: Readonly<Record<string, unknown>>): string | undefined {
    for (const key in value) if (this.isMisspelled(key)) return key;
    return undefined;
  }

  /** Returns true for a member as {@link misspelledIn} finds it. */
  isMisspelled(key: string): boolean {
    if (this.#names.has(key) || !this.#lengths.has(key.length)) return false;
    const folded = foldLetters(key);
    for (const name of this.#names) if (foldLetters(name) === folded) return true;
    return false;
  }

  /** Returns the members that are none of the names, in whatever letters; undefined where there are none. */
  othersIn(value: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
    const names = new Set([...this.#names].map(foldLetters));
    const others = Object.entries(value).filter(([key]) => !this.#names.has(key) && !names.has(foldLetters(key)));
    return others.length === 0 ? undefined : Object.fromEntries(others);
  }
}

/**
 * Returns `value` if it is an object of strings.
 * @throws the error that `fail` makes of the reason
 * @example
 * ```ts
 * import { stringMap } from "@ocilot/layout";
 *
 * const annotations: unknown = JSON.parse('{"org.opencontainers.image.title":"app"}');
 * console.log(stringMap(annotations, (reason) => new TypeError(`annotations: ${reason}`)));
 * ```
 */
export function stringMap(value: unknown, fail: (reason: string) => Error): Readonly<Record<string, string>> {
  if (!isRecord(value)) throw fail("is not an object");
  for (const key in value) {
    if (typeof value[key] !== "string") throw fail(`has a value under ${JSON.stringify(key)} that is not a string`);
  }
  return value as Record<string, string>;
}
