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
    throw invalid(`${path}.size`, `is ${JSON.stringify(size) ?? "missing"}, not a size in bytes`);
  }
  if (value["annotations"] !== undefined && value["annotations"] !== null)
    stringMap(value["annotations"], (reason) => invalid(`${path}.annotations`, reason));
  if (value["artifactType"] !== undefined && typeof value["artifactType"] !== "string")
    throw invalid(`${path}.artifactType`, "is not a string");
  return value as unknown as Descriptor;
}

/** The members that identify content, without metadata. */
export function bareDescriptor(d: Descriptor): Descriptor {
  return { mediaType: d.mediaType, digest: d.digest, size: d.size };
}

function invalid(path: string, reason: string): OcilotError<"DESCRIPTOR_INVALID"> {
  return new OcilotError("DESCRIPTOR_INVALID", `${path} ${reason}`, { path, reason });
}
