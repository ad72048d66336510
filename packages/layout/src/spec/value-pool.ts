import type { Descriptor } from "./descriptor.js";

/** The number of values that are kept. More different ones are not alike enough for sharing to save memory. */
const MAX_SHARED = 10_000;
/**
 * Returns one object for equal values: each of a hundred thousand referrers names its subject, an empty config and the same few types, and
 * a parser makes new objects for each.
 */
export class ValuePool {
  readonly #texts: Map<string, string> = new Map();
  readonly #descriptors: Map<string, Descriptor> = new Map();
  readonly #lists: Map<Descriptor, readonly Descriptor[]> = new Map();
  #last: string | undefined;

  text(value: string): string {
    if (value === this.#last) return this.#last;
    const known = this.#texts.get(value);
    if (known !== undefined) return (this.#last = known);
    if (this.#texts.size < MAX_SHARED) this.#texts.set(value, value);
    return value;
  }

  /** Returns the same object for descriptors with equal members. Descriptors with a list or map are not shared. */
  descriptor(d: Descriptor): Descriptor {
    const known = this.#descriptors.get(d.digest);
    if (known !== undefined) return isSame(known, d) ? known : d;
    if (this.#descriptors.size < MAX_SHARED && isFlat(d)) this.#descriptors.set(d.digest, d);
    return d;
  }

  /**
   * Returns the descriptor that is equal to a value that no one has checked: what was checked once need not be checked again. Undefined
   * if there is none.
   */
  checked(value: unknown): Descriptor | undefined {
    const digest = (value as { readonly digest?: unknown } | null | undefined)?.digest;
    const known = typeof digest === "string" ? this.#descriptors.get(digest) : undefined;
    return known !== undefined && isSame(known, value as Descriptor) ? known : undefined;
  }

  /** Returns the list, or an earlier one with the same single descriptor. */
  list(ds: readonly Descriptor[]): readonly Descriptor[] {
    const shared = ds.map((d) => this.#known(d));
    const [only] = shared;
    if (only === undefined || shared.length > 1 || this.#descriptors.get(only.digest) !== only) return shared;
    let list = this.#lists.get(only);
    if (list === undefined) this.#lists.set(only, (list = shared));
    return list;
  }

  /** Returns a known equal descriptor, and does not remember a new one: it is likely to occur only once. */
  #known(d: Descriptor): Descriptor {
    const known = this.#descriptors.get(d.digest);
    return known !== undefined && isSame(known, d) ? known : d;
  }
}

/** @param a flat, so that equal members are the same values */
function isSame(a: Descriptor, b: Descriptor): boolean {
  if (a === b) return true;
  const x = a as unknown as Record<string, unknown>;
  const y = b as unknown as Record<string, unknown>;
  let count = 0;
  for (const key in x) {
    if (x[key] !== y[key] || !Object.hasOwn(y, key)) return false;
    count++;
  }
  for (const _ in y) count--;
  return count === 0;
}

function isFlat(d: Descriptor): boolean {
  return Object.values(d).every((value) => typeof value !== "object");
}

/**
 * Returns `other` if it is equal to `map`, else `map`. A parsed document may have null where the type says undefined.
 * @internal Exported for the sibling packages, which keep many descriptors with the same annotations.
 */
export function sharedMap(
  map: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>> | null | undefined,
): Readonly<Record<string, string>> {
  if (other === undefined || other === null) return map;
  let count = 0;
  for (const key in map) {
    if (other[key] !== map[key]) return map;
    count++;
  }
  for (const _ in other) count--;
  return count === 0 ? other : map;
}
