const VALUES: Uint8Array = new Uint8Array(128).fill(255);
for (const [i, c] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].entries()) VALUES[c.charCodeAt(0)] = i;
VALUES["-".charCodeAt(0)] = 62;
VALUES["_".charCodeAt(0)] = 63;

/**
 * The bytes that base64 text stands for, in either alphabet, with or without padding; line breaks are passed over as Go
 * does it. Undefined where it is not base64.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  let end = text.length;
  let padding = 0;
  while (end > 0 && (text[end - 1] === "=" || isBreak(text.charCodeAt(end - 1)))) if (text[--end] === "=") padding++;
  if (padding > 2) return undefined;
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let bits = 0;
  let count = 0;
  let length = 0;
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    if (isBreak(c)) continue;
    const value = c < 128 ? VALUES[c]! : 255;
    if (value === 255) return undefined;
    bits = ((bits << 6) | value) & 0xffffff;
    if (++count % 4 === 0) {
      bytes[length++] = bits >> 16;
      bytes[length++] = bits >> 8;
      bytes[length++] = bits;
    }
  }
  const rest = count % 4;
  if (rest === 1 || (padding > 0 && (rest + padding) % 4 !== 0)) return undefined;
  if (rest === 2) bytes[length++] = bits >> 4;
  if (rest === 3) {
    bytes[length++] = bits >> 10;
    bytes[length++] = bits >> 2;
  }
  return bytes.subarray(0, length);
}

function isBreak(c: number): boolean {
  return c === 0x0a || c === 0x0d;
}

/** The lower-case hex digits of bytes. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** The first certificate of PEM text, in DER; undefined where there is none. */
export function decodePem(text: string): Uint8Array | undefined {
  const begin = "-----BEGIN CERTIFICATE-----";
  const start = text.indexOf(begin);
  const end = text.indexOf("-----END CERTIFICATE-----", start);
  return start < 0 || end < 0 ? undefined : decodeBase64(text.slice(start + begin.length, end).trim());
}
