import { type Digest, OcilotError, digestOf, isDigest, isRecord, parseJson } from "@ocilot/layout";
import { type CanonicalValue, canonicalJson } from "../records/canonical-json.js";

/** The file of a bundle that describes it, beside `index.json`. */
export const BUNDLE_FILE = "ocilot-bundle.json";
/** The `type` of that file. */
export const BUNDLE_TYPE = "application/vnd.ocilot.bundle.v1+json";
/** The annotation of `index.json` that names the receipts a delta relies on, separated by commas. */
export const BUNDLE_NEEDS = "io.ocilot.bundle.needs";
/** A description larger than this is refused, in bytes. */
export const MAX_BUNDLE_DOCUMENT: number = 256 * 1024 * 1024;

/** A blob by name. */
export interface BlobSize {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** An image, or anything else that `index.json` of the bundle lists and that is not a record of a referrer. */
export interface BundleRoot {
  readonly digest: Digest;
  /** The repository it came from, `registry.example/team/app`; absent where the source was a layout without full names. */
  readonly repository?: string;
  /** Its tag within that repository, or the whole name where there is no repository. */
  readonly tag?: string;
  /** What the receipts of the destination had under the same name. */
  readonly was?: readonly Digest[];
}

/** A piece of a blob that is larger than a part. */
export interface BundlePiece extends BlobSize {
  /** From 1. */
  readonly number: number;
  readonly count: number;
  /** Where the piece begins in the blob, in bytes. */
  readonly offset: number;
  /** The length of the piece, in bytes. */
  readonly length: number;
}

/** A file of the bundle. Manifests are in every part and not listed. */
export interface BundlePart {
  readonly name: string;
  /** The length of the tar in bytes, before it is compressed. */
  readonly size: number;
  readonly blobs: readonly BlobSize[];
  readonly piece?: BundlePiece;
}

/** What a bundle says about itself; the same in every part, but for `part`. */
export interface BundleDocument {
  readonly type: typeof BUNDLE_TYPE;
  /** sha256 of the canonical text of everything else but `part`: the identity of the set. */
  readonly set: Digest;
  /** When the content was made, RFC 3339: of two bundles the later one moves a tag. Absent where unknown. */
  readonly created?: string;
  /** The digest of `index.json`, the same in every part. */
  readonly index: Digest;
  /** The digest of the receipt of everything in the bundle, what it leaves out included. */
  readonly receipt: Digest;
  readonly roots: readonly BundleRoot[];
  /** Receipts of the destination that the bundle relies on. */
  readonly since: readonly Digest[];
  /** Blobs that are left out, because those receipts list them. */
  readonly absent: readonly BlobSize[];
  readonly parts: readonly BundlePart[];
  /** Which part this is, from 1. */
  readonly part: number;
}

/** Everything that the set's digest covers. */
export type BundleContent = Omit<BundleDocument, "set" | "part">;

/** Returns the identity of a set. */
export function setOf(content: BundleContent): Digest {
  const { type, created, index, receipt, roots, since, absent, parts } = content;
  return digestOf(new TextEncoder().encode(canonicalJson(plain({ type, created, index, receipt, roots, since, absent, parts }))));
}

/** Returns the bytes that a document takes at least. */
export function documentLength(document: BundleDocument): number {
  return Buffer.byteLength(canonicalJson(plain(document))) + 1;
}

/**
 * Returns the text of the document, filled with spaces to `length` bytes: its length must not depend on the sizes it states.
 * @throws RangeError if it is longer
 */
export function bundleText(document: BundleDocument, length: number): string {
  const text = canonicalJson(plain(document));
  const bytes = Buffer.byteLength(text) + 1;
  if (bytes > length) throw new RangeError(`the description takes ${bytes} bytes, ${length} were reserved`);
  return `${text}${" ".repeat(length - bytes)}\n`;
}

/**
 * Reads the description of a bundle and proves by its digest that it is unchanged.
 * @throws OcilotError `DOCUMENT_INVALID`, `LIMIT_EXCEEDED`
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { parseBundleDocument } from "@ocilot/referrers";
 *
 * const { receipt, parts } = parseBundleDocument(await readFile("./bundle.json"), "bundle.json");
 * console.log(receipt, parts);
 * ```
 */
export function parseBundleDocument(bytes: Uint8Array, name: string): BundleDocument {
  const json = parseJson(bytes, name);
  if (!isRecord(json) || json["type"] !== BUNDLE_TYPE) throw invalid(name, "$.type", `is not ${BUNDLE_TYPE}`);
  const content: BundleContent = {
    type: BUNDLE_TYPE,
    ...optional("created", json["created"], isTime),
    index: digestIn(json, "index", "$"),
    receipt: digestIn(json, "receipt", "$"),
    roots: listIn(json, "roots", "$", rootIn),
    since: listIn(json, "since", "$", (value, path) => {
      if (isDigest(value)) return value;
      throw invalid(name, path, "is not a digest");
    }),
    absent: listIn(json, "absent", "$", blobIn),
    parts: listIn(json, "parts", "$", partIn),
  };
  const { part } = json;
  if (typeof part !== "number" || !Number.isInteger(part) || part < 1 || part > content.parts.length)
    throw invalid(name, "$.part", `is not a number from 1 to ${content.parts.length}`);
  const set = setOf(content);
  if (json["set"] !== set) throw invalid(name, "$.set", `is not the digest of the description, which is ${set}: it was changed or damaged`);
  return { ...content, set, part };

  function listIn<T>(value: Record<string, unknown>, member: string, at: string, item: (value: unknown, path: string) => T): T[] {
    const list = value[member];
    if (!Array.isArray(list)) throw invalid(name, `${at}.${member}`, "is not an array");
    return list.map((v: unknown, i) => item(v, `${at}.${member}[${i}]`));
  }

  function digestIn(value: Record<string, unknown>, member: string, path: string): Digest {
    const text = value[member];
    if (!isDigest(text)) throw invalid(name, `${path}.${member}`, "is not a digest");
    return text;
  }

  function optional<K extends string, T>(key: K, value: unknown, test: (value: unknown) => value is T): { [P in K]?: T } {
    if (value === undefined) return {};
    if (!test(value)) throw invalid(name, `$.${key}`, "has a value of another kind");
    return { [key]: value } as { [P in K]?: T };
  }

  function recordIn(value: unknown, path: string): Record<string, unknown> {
    if (isRecord(value)) return value;
    throw invalid(name, path, "is not an object");
  }

  function rootIn(value: unknown, path: string): BundleRoot {
    const root = recordIn(value, path);
    return {
      digest: digestIn(root, "digest", path),
      ...optional("repository", root["repository"], isText),
      ...optional("tag", root["tag"], isText),
      ...optional("was", root["was"], isDigests),
    };
  }

  function blobIn(value: unknown, path: string): BlobSize {
    const blob = recordIn(value, path);
    return { digest: digestIn(blob, "digest", path), size: sizeIn(blob, "size", path) };
  }

  function sizeIn(value: Record<string, unknown>, member: string, path: string): number {
    const size = value[member];
    if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
    throw invalid(name, `${path}.${member}`, "is not a number of bytes");
  }

  function partIn(value: unknown, path: string): BundlePart {
    const file = recordIn(value, path);
    if (!isFileName(file["name"])) throw invalid(name, `${path}.name`, "is not a file name");
    return {
      name: file["name"],
      size: sizeIn(file, "size", path),
      blobs: listIn(file, "blobs", path, blobIn),
      ...(file["piece"] !== undefined && { piece: pieceIn(file["piece"], `${path}.piece`) }),
    };
  }

  function pieceIn(value: unknown, path: string): BundlePiece {
    const piece = recordIn(value, path);
    const of = (member: string): number => sizeIn(piece, member, path);
    const made = { ...blobIn(piece, path), number: of("number"), count: of("count"), offset: of("offset"), length: of("length") };
    if (made.number < 1 || made.number > made.count || made.offset + made.length > made.size || made.length === 0)
      throw invalid(name, path, "is no piece of its blob");
    return made;
  }
}

/** Returns the name of a piece in the tar, after the blob that it belongs to. */
export function pieceName(path: string, { number, count }: Pick<BundlePiece, "number" | "count">): string {
  const digits = (n: number): string => String(n).padStart(4, "0");
  return `${path}.part-${digits(number)}-of-${digits(count)}`;
}

function plain(value: object): CanonicalValue {
  return value as unknown as CanonicalValue;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isTime = (value: unknown): value is string => typeof value === "string" && !Number.isNaN(Date.parse(value));
const isDigests = (value: unknown): value is Digest[] => Array.isArray(value) && value.every((v) => isDigest(v));
/** A part is only looked for beside the others. */
const isFileName = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= 255 && !/[/\\\0]/.test(value) && value !== "." && value !== "..";

function invalid(document: string, path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError(
    "DOCUMENT_INVALID",
    `${document}: ${path} ${reason}`,
    { document, path, reason },
    {
      hint: "Make this part again with: ocilot bundle … --only-part N",
    },
  );
}
