/** One element of DER: its tag byte and its content. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Elements beyond this number are not read: certificates have tens of them. */
const MAX_ELEMENTS = 1000;

/**
 * The elements that stand side by side in `bytes`; undefined where they are not DER. Tags of more than one byte, which
 * certificates do not have, are refused.
 */
export function readDer(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let i = 0;
  while (i < bytes.length) {
    const tag = bytes[i++]!;
    let length = bytes[i++];
    if ((tag & 0x1f) === 0x1f || length === undefined || elements.length === MAX_ELEMENTS) return undefined;
    if (length > 0x7f) {
      const count = length & 0x7f;
      if (count === 0 || count > 4 || i + count > bytes.length) return undefined;
      length = 0;
      for (let n = 0; n < count; n++) length = length * 256 + bytes[i++]!;
    }
    if (i + length > bytes.length) return undefined;
    elements.push({ tag, content: bytes.subarray(i, i + length) });
    i += length;
  }
  return elements;
}

/** The dotted text of an object identifier. */
export function oidText(content: Uint8Array): string {
  const parts: number[] = [];
  let value = 0;
  for (const byte of content.subarray(0, 64)) {
    value = value * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (parts.length === 0) {
      const first = Math.min(2, Math.floor(value / 40));
      parts.push(first, value - first * 40);
    } else parts.push(value);
    value = 0;
  }
  return parts.join(".");
}
