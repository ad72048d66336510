import { OcilotError } from "../errors.js";
import { type Digest, isDigest, parseDigest } from "./digest.js";
import { isRecord, stringMap } from "./guards.js";

/** The platform that an image manifest is for. */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly variant?: string;
}

/**
 * Describes content by its digest. `size` is in bytes. Unknown members stay on the object.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly platform?: Platform;
  readonly artifactType?: string;
}

/**
 * Checks the members of a descriptor that ocilot uses, and returns the same object with its unknown members. `mediaType` is required;
 * `size` must be a safe, non-negative integer.
 * @param path the JSON path of the value, for the error
 * @throws OcilotError `DESCRIPTOR_INVALID`, `DIGEST_INVALID`
 * @example
 * ```ts
 * import { parseDescriptor } from "@ocilot/layout";
 *
 * const value: unknown = JSON.parse(process.argv[2] ?? "{}");
 * console.log(parseDescriptor(value, "the argument").digest);
 * ```
 */
export function parseDescriptor(value: unknown, path: string): Descriptor {
  if (!isRecord(value)) throw invalid(path, "is not an object");
  if (typeof value["mediaType"] !== "string" || value["mediaType"] === "") throw invalid(`${path}.mediaType`, "is not a media type");
  parseDigest(value["digest"], `${path}.digest`);
  const size = value["size"];
  if (!isSize(size)) {
    throw invalid(`${path}.size`, `is ${JSON.stringify(size)?.slice(0, 50) ?? "missing"}, not a size in bytes`);
  }
  if (isPresent(value["annotations"])) stringMap(value["annotations"], (reason) => invalid(`${path}.annotations`, reason));
  if (isPresent(value["artifactType"]) && typeof value["artifactType"] !== "string")
    throw invalid(`${path}.artifactType`, "is not a string");
  if (isPresent(value["data"]) && !isBase64(value["data"])) throw invalid(`${path}.data`, "is not base64");
  if (isPresent(value["urls"]) && !isStrings(value["urls"])) throw invalid(`${path}.urls`, "is not an array of strings");
  if (isPresent(value["platform"])) checkPlatform(value["platform"], `${path}.platform`);
  return value as unknown as Descriptor;
}

/**
 * Returns true for what {@link parseDescriptor} accepts and has only members that nearly all descriptors are made of, in the right spelling.
 * Of anything else the caller finds out what it is.
 * @internal For what parses very many; {@link parseDescriptor} says what is wrong.
 */
export function isPlainDescriptor(value: unknown): value is Descriptor {
  if (!isRecord(value)) return false;
  let required = 0;
  for (const member in value) {
    const item = value[member];
    switch (member) {
      case "mediaType":
        if (typeof item !== "string" || item === "") return false;
        required++;
        break;
      case "digest":
        if (!isDigest(item)) return false;
        required++;
        break;
      case "size":
        if (!isSize(item)) return false;
        required++;
        break;
      case "annotations":
        if (!isRecord(item)) return false;
        for (const key in item) if (typeof item[key] !== "string") return false;
        break;
      case "artifactType":
        if (typeof item !== "string") return false;
        break;
      default:
        return false;
    }
  }
  return required === 3;
}

function isSize(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function checkPlatform(value: unknown, path: string): void {
  if (!isRecord(value)) throw invalid(path, "is not an object");
  for (const member of ["architecture", "os", "os.version", "variant"]) {
    if (isPresent(value[member]) && typeof value[member] !== "string") throw invalid(`${path}["${member}"]`, "is not a string");
  }
  const features = value["os.features"];
  if (isPresent(features) && !isStrings(features)) throw invalid(`${path}["os.features"]`, "is not an array of strings");
}

/** Padded base64 of the standard alphabet, in which line breaks do not count. */
function isBase64(value: unknown): boolean {
  if (typeof value !== "string") return false;
  const text = value.replace(/[\r\n]/g, "");
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** Go reads `null` as an absent member. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/**
 * Returns the members that identify content, without metadata.
 * @example
 * ```ts
 * import { bareDescriptor, Layout } from "@ocilot/layout";
 *
 * const { entries } = await (await Layout.open("./layout")).index.read();
 * for (const { descriptor } of entries) console.log(bareDescriptor(descriptor)); // mediaType, digest and size
 * ```
 */
export function bareDescriptor(d: Descriptor): Descriptor {
  return { mediaType: d.mediaType, digest: d.digest, size: d.size };
}

function invalid(path: string, reason: string): OcilotError<"DESCRIPTOR_INVALID"> {
  return new OcilotError("DESCRIPTOR_INVALID", `${path} ${reason}`, { path, reason });
}
