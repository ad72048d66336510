import type { Descriptor } from "./descriptor.js";

/** Above so many different ones, they are no longer alike enough for sharing to save memory. */
const MAX_SHARED = 10_000;
/**
 * One object for what is said again and again: of a hundred thousand referrers each one names its subject, an empty
 * config and the same few types, and a parser makes all of them anew each time.
 */
export class Sharing {
  readonly #texts: Map<string, string> = new Map();
  readonly #descriptors: Map<string, Descriptor> = new Map();
  readonly #lists: Map<Descriptor, readonly Descriptor[]> = new Map();

  text(value: string): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    if (this.#texts.size < MAX_SHARED) this.#texts.set(value, value);
    return value;
  }

  /** The same object for descriptors that have the same members with the same values; one with a list or a map is not looked for. */
  descriptor(d: Descriptor): Descriptor {
    const known = this.#descriptors.get(d.digest);
    if (known !== undefined) return isSame(known, d) ? known : d;
    if (this.#descriptors.size < MAX_SHARED && isFlat(d)) this.#descriptors.set(d.digest, d);
    return d;
  }

  /** The list itself, or one of the same single descriptor that is there already. */
  list(ds: readonly Descriptor[]): readonly Descriptor[] {
    const shared = ds.map((d) => this.#known(d));
    const [only] = shared;
    if (only === undefined || shared.length > 1 || this.#descriptors.get(only.digest) !== only) return shared;
    let list = this.#lists.get(only);
    if (list === undefined) this.#lists.set(only, (list = shared));
    return list;
  }

  /** As {@link descriptor}, of what is likely to be there only once: it is not remembered. */
  #known(d: Descriptor): Descriptor {
    const known = this.#descriptors.get(d.digest);
    return known !== undefined && isSame(known, d) ? known : d;
  }
}

function isSame(a: Descriptor, b: Descriptor): boolean {
  const keys = Object.keys(a);
  const [x, y] = [a, b] as unknown as Record<string, unknown>[];
  return keys.length === Object.keys(b).length && keys.every((key) => x![key] === y![key]);
}

function isFlat(d: Descriptor): boolean {
  return Object.values(d).every((value) => typeof value !== "object");
}

/** `map`, or `other` where it says the same. What came out of a document may be null where the type says undefined. */
export function sharedMap(
  map: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>> | null | undefined,
): Readonly<Record<string, string>> {
  if (other === undefined || other === null) return map;
  const keys = Object.keys(map);
  return keys.length === Object.keys(other).length && keys.every((key) => other[key] === map[key]) ? other : map;
}
