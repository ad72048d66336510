import type { Descriptor, Digest } from "@ocilot/layout/spec";

/** Something that a descriptor identifies. */
export interface Described {
  readonly descriptor: Descriptor;
}

/**
 * Values by what identifies content: digest, size and media type of their descriptors. One blob described in two ways is two keys: a
 * wrong size or media type must not hide behind a right one.
 */
export class DescriptorMap<T extends Described> {
  readonly #first: Map<Digest, T> = new Map();
  /** Values with the digest of another and a different size or media type; rare. */
  readonly #others: Map<string, T> = new Map();

  has(d: Descriptor): boolean {
    return this.get(d) !== undefined;
  }

  get(d: Descriptor): T | undefined {
    const held = this.#first.get(d.digest);
    return held === undefined || isAlike(held.descriptor, d) ? held : this.#others.get(keyOf(d));
  }

  set(value: T): void {
    const d = value.descriptor;
    const held = this.#first.get(d.digest);
    if (held === undefined || isAlike(held.descriptor, d)) this.#first.set(d.digest, value);
    else this.#others.set(keyOf(d), value);
  }
}

/** Descriptors, one for each digest, size and media type. */
export class DescriptorSet implements Iterable<Descriptor> {
  readonly #first: Map<Digest, Descriptor> = new Map();
  readonly #others: Map<string, Descriptor> = new Map();

  has(d: Descriptor): boolean {
    const held = this.#first.get(d.digest);
    return held !== undefined && (isAlike(held, d) || this.#others.has(keyOf(d)));
  }

  /** Adds a descriptor. Returns false if there was one with the same digest, size and media type. */
  add(d: Descriptor): boolean {
    const held = this.#first.get(d.digest);
    if (held === undefined) this.#first.set(d.digest, d);
    else if (isAlike(held, d) || this.#others.has(keyOf(d))) return false;
    else this.#others.set(keyOf(d), d);
    return true;
  }

  /** In no order. */
  *[Symbol.iterator](): Iterator<Descriptor> {
    yield* this.#first.values();
    yield* this.#others.values();
  }
}

/** @param b has the same digest */
function isAlike(a: Descriptor, b: Descriptor): boolean {
  return a === b || (a.size === b.size && a.mediaType === b.mediaType);
}

/** Returns true if two descriptors identify the same content, as these maps and sets see it. */
export function isSame(a: Descriptor, b: Descriptor): boolean {
  return a === b || (a.digest === b.digest && isAlike(a, b));
}

function keyOf(d: Descriptor): string {
  return `${d.digest} ${d.size} ${d.mediaType}`;
}
