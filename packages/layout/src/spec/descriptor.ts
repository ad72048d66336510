import { OcilotError } from "../errors.js";
import { type Digest, parseDigest } from "./digest.js";
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
 * Content by digest. `size` is in bytes. Members that ocilot does not know are kept on the object.
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
 * Checks the members that ocilot acts on and returns the same object, unknown members and all.
 * A missing `mediaType` is refused; `size` must be a safe, non-negative integer.
 * @throws OcilotError `DESCRIPTOR_INVALID`, `DIGEST_INVALID`
 */
export function parseDescriptor(value: unknown, path: string): Descriptor {
  if (!isRecord(value)) throw invalid(path, "is not an object");
  if (typeof value["mediaType"] !== "string" || value["mediaType"] === "") throw invalid(`${path}.mediaType`, "is not a media type");
  parseDigest(value["digest"], `${path}.digest`);
  const size = value["size"];
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${path}.size`, `is ${JSON.stringify(size)?.slice(0, 50) ?? "missing"}, not a size in bytes`);
  }
  if (isPresent(value["annotations"])) stringMap(value["annotations"], (reason) => invalid(`${path}.annotations`, reason));
  if (value["artifactType"] !== undefined && typeof value["artifactType"] !== "string")
    throw invalid(`${path}.artifactType`, "is not a string");
  if (isPresent(value["data"]) && typeof value["data"] !== "string") throw invalid(`${path}.data`, "is not a string");
  if (isPresent(value["urls"]) && !isStrings(value["urls"])) throw invalid(`${path}.urls`, "is not an array of strings");
  if (isPresent(value["platform"])) checkPlatform(value["platform"], `${path}.platform`);
  return value as unknown as Descriptor;
}

function checkPlatform(value: unknown, path: string): void {
  if (!isRecord(value)) throw invalid(path, "is not an object");
  for (const member of ["architecture", "os", "os.version", "variant"]) {
    if (isPresent(value[member]) && typeof value[member] !== "string") throw invalid(`${path}["${member}"]`, "is not a string");
  }
  const features = value["os.features"];
  if (isPresent(features) && !isStrings(features)) throw invalid(`${path}["os.features"]`, "is not an array of strings");
}

/** Go reads `null` as if the member were not there. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** The members that identify content, without metadata. */
export function bareDescriptor(d: Descriptor): Descriptor {
  return { mediaType: d.mediaType, digest: d.digest, size: d.size };
}

function invalid(path: string, reason: string): OcilotError<"DESCRIPTOR_INVALID"> {
  return new OcilotError("DESCRIPTOR_INVALID", `${path} ${reason}`, { path, reason });
}
