/** What ocilot reads of CBOR. Map keys are integers or text. */
export type CborValue = number | string | boolean | undefined | Uint8Array | readonly CborValue[] | ReadonlyMap<number | string, CborValue>;

const MAX_DEPTH = 16;
const MAX_ITEMS = 10_000;

/**
 * Decodes the first item of CBOR; undefined where it is broken, deeper than {@link MAX_DEPTH} or of indefinite length,
 * which COSE signatures are not. Tags are passed over: the value is that of what they tag. Integers beyond 2^53 lose digits.
 * @see https://www.rfc-editor.org/rfc/rfc8949
 */
export function readCbor(bytes: Uint8Array): CborValue {
  const reader = new Reader(bytes);
  return reader.item(0);
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #items = 0;
  #isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  item(depth: number): CborValue {
    if (depth > MAX_DEPTH || ++this.#items > MAX_ITEMS) return this.#fail();
    const head = this.#bytes[this.#at++];
    if (head === undefined) return this.#fail();
    const argument = this.#argument(head & 0x1f);
    if (argument === undefined) return this.#fail();
    switch (head >> 5) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.#take(argument);
      case 3: {
        const content = this.#take(argument);
        return content === undefined ? undefined : new TextDecoder().decode(content);
      }
      case 4:
        return this.#array(argument, depth);
      case 5:
        return this.#map(argument, depth);
      case 6:
        return this.item(depth + 1);
      default:
        return argument === 20 ? false : argument === 21 ? true : undefined;
    }
  }

  #array(length: number, depth: number): CborValue {
    const items: CborValue[] = [];
    for (let i = 0; i < length && !this.#isBroken; i++) items.push(this.item(depth + 1));
    return this.#isBroken ? undefined : items;
  }

  #map(length: number, depth: number): CborValue {
    const map = new Map<number | string, CborValue>();
    for (let i = 0; i < length && !this.#isBroken; i++) {
      const key = this.item(depth + 1);
      const value = this.item(depth + 1);
      if (typeof key === "number" || typeof key === "string") map.set(key, value);
    }
    return this.#isBroken ? undefined : map;
  }

  #argument(info: number): number | undefined {
    if (info < 24) return info;
    if (info > 27) return undefined;
    const length = 2 ** (info - 24);
    const bytes = this.#take(length);
    return bytes?.reduce((sum, byte) => sum * 256 + byte, 0);
  }

  #take(length: number): Uint8Array | undefined {
    if (this.#at + length > this.#bytes.length) return this.#fail();
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  #fail(): undefined {
    this.#isBroken = true;
    return undefined;
  }
}
