import type { Descriptor, Digest } from "@ocilot/layout/spec";

interface Held<T> {
  readonly size: number;
  readonly mediaType: string;
  readonly value: T;
}

/**
 * Values by what identifies content: digest, size and media type. One blob described in two ways is two keys: a wrong size
 * or media type must not hide behind a right one.
 */
export class DescriptorMap<T> {
  readonly #first: Map<Digest, Held<T>> = new Map();
  /** What has the digest of another and says something else of it; hardly ever there. */
  readonly #others: Map<string, T> = new Map();

  has(d: Descriptor): boolean {
    return this.get(d) !== undefined;
  }

  get(d: Descriptor): T | undefined {
    const held = this.#first.get(d.digest);
    if (held === undefined) return undefined;
    return isSame(held, d) ? held.value : this.#others.get(keyOf(d));
  }

  set(d: Descriptor, value: T): void {
    const held = this.#first.get(d.digest);
    const { size, mediaType } = d;
    if (held === undefined || isSame(held, d)) this.#first.set(d.digest, { size, mediaType, value });
    else this.#others.set(keyOf(d), value);
  }
}

function isSame<T>(held: Held<T>, d: Descriptor): boolean {
  return held.size === d.size && held.mediaType === d.mediaType;
}

function keyOf(d: Descriptor): string {
  return `${d.digest} ${d.size} ${d.mediaType}`;
}
