import type { Descriptor, Digest } from "@ocilot/layout/spec";

interface Held<T> {
  readonly descriptor: Descriptor;
  readonly value: T;
}

/**
 * Values by what identifies content: digest, size and media type. One blob described in two ways is two keys: a wrong size
 * or media type must not hide behind a right one.
 */
export class DescriptorMap<T> {
  readonly #first: Map<Digest, Held<T>> = new Map();
  /** What has the digest of another and says something else of it; hardly ever there. */
  readonly #others: Map<string, Held<T>> = new Map();

  has(d: Descriptor): boolean {
    return this.get(d) !== undefined;
  }

  get(d: Descriptor): T | undefined {
    const held = this.#first.get(d.digest);
    if (held === undefined) return undefined;
    return isSame(held.descriptor, d) ? held.value : this.#others.get(keyOf(d))?.value;
  }

  set(d: Descriptor, value: T): void {
    const held = this.#first.get(d.digest);
    if (held === undefined || isSame(held.descriptor, d)) this.#first.set(d.digest, { descriptor: d, value });
    else this.#others.set(keyOf(d), { descriptor: d, value });
  }

  /** The descriptors that it was given last for each key, in no order. */
  keys(): Descriptor[] {
    return [...this.#first.values(), ...this.#others.values()].map((held) => held.descriptor);
  }
}

function isSame(a: Descriptor, b: Descriptor): boolean {
  return a === b || (a.size === b.size && a.mediaType === b.mediaType);
}

function keyOf(d: Descriptor): string {
  return `${d.digest} ${d.size} ${d.mediaType}`;
}
