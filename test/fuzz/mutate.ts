import type { Prng } from "./prng.js";

const MAX_BYTES = 1 << 16;
const BYTES = [0, 0x20, 0x22, 0x2c, 0x2e, 0x2f, 0x3a, 0x5b, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xbf, 0xc3, 0xed, 0xef, 0xff];
const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  -0,
  "",
  "x",
  "__proto__",
  "constructor",
  "\u0000",
  "\ud800",
  "../../etc/passwd",
  "sha256:",
  [],
  {},
  [[]],
  [null],
  { a: {} },
  { toString: 1 },
  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "application/vnd.oci.image.index.v1+json",
  "a".repeat(5000),
];
const KEYS = [
  "digest",
  "size",
  "mediaType",
  "manifests",
  "subject",
  "annotations",
  "config",
  "layers",
  "data",
  "urls",
  "platform",
  "artifactType",
  "__proto__",
  "Digest",
  "toString",
  "0",
  "",
];

/** Bytes flipped, replaced, taken out, doubled, or joined with those of another input. */
export function mutateBytes(input: Uint8Array, other: Uint8Array, rng: Prng): Uint8Array {
  let bytes = input;
  for (let n = 1 + rng.below(3); n > 0; n--) {
    const at = rng.below(bytes.length + 1);
    const length = 1 + rng.below(rng.once(4) ? 64 : 4);
    switch (rng.below(6)) {
      case 0: {
        const copy = bytes.slice();
        if (at < copy.length) copy[at]! ^= 1 << rng.below(8);
        bytes = copy;
        break;
      }
      case 1: {
        const copy = bytes.slice();
        if (at < copy.length) copy[at] = rng.pick(BYTES);
        bytes = copy;
        break;
      }
      case 2:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 3:
        bytes = join(bytes.subarray(0, at), Uint8Array.of(rng.pick(BYTES)), bytes.subarray(at));
        break;
      case 4:
        bytes = join(bytes.subarray(0, at + length), bytes.subarray(at));
        break;
      default:
        bytes = rng.once(8) ? bytes.subarray(0, at) : join(bytes.subarray(0, at), other.subarray(rng.below(other.length + 1)));
    }
  }
  return bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A document with values replaced, members added, renamed or taken out, items doubled; `seed` is left alone. */
export function mutateJson(seed: unknown, rng: Prng): unknown {
  const root = structuredClone(seed);
  for (let n = 1 + rng.below(3); n > 0; n--) {
    let node: unknown = root;
    for (let depth = rng.below(6); depth > 0; depth--) {
      const next: unknown = isObject(node) ? rng.pick(Object.values(node)) : undefined;
      if (!isObject(next)) break;
      node = next;
    }
    if (!isObject(node)) return structuredClone(rng.pick(VALUES));
    const keys = Object.keys(node);
    const key = keys.length === 0 || rng.once(4) ? rng.pick(KEYS) : rng.pick(keys);
    const object = node as Record<string, unknown>;
    if (rng.once(5)) delete object[key];
    else if (rng.once(4) && keys.length > 0) define(object, key, structuredClone(object[rng.pick(keys)]));
    else define(object, key, structuredClone(rng.pick(VALUES)));
  }
  return root;
}

/** `__proto__` as a member, as `JSON.parse` makes it. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  if (Array.isArray(object)) object.push(value);
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** A field of a tar header changed, with the checksum put right again, so that the change is looked at at all. */
export function mutateTar(input: Uint8Array, rng: Prng): Uint8Array {
  const bytes = input.slice();
  for (let n = 1 + rng.below(3); n > 0; n--) {
    const start = 512 * rng.below(Math.max(1, bytes.length >> 9));
    const header = bytes.subarray(start, start + 512);
    if (header.length < 512 || header.every((b) => b === 0)) continue;
    const [offset, length] = rng.pick([
      [0, 100],
      [124, 12],
      [156, 1],
      [157, 100],
      [257, 8],
      [345, 155],
    ] as const);
    const text = rng.pick([
      "../../x",
      "/etc/passwd",
      "x\u0000y",
      "77777777777",
      "-1",
      "00000001000",
      "1",
      "2",
      "5",
      "L",
      "K",
      "x",
      "g",
      "S",
      "blobs/sha256/..",
      "index.json",
      "\u0080\u0000\u00ff",
      "",
    ]);
    for (let i = 0; i < length; i++) header[offset + i] = rng.once(50) ? rng.below(256) : (text.charCodeAt(i) || 0) & 0xff;
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, b) => total + b, 0);
    header.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  }
  return rng.once(6) ? bytes.subarray(0, rng.below(bytes.length + 1)) : bytes;
}
