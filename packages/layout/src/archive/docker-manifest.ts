import { OcilotError } from "../errors.js";
import { isRecord } from "../spec/guards.js";
import { parseJson } from "../spec/json.js";

/** An image of a docker archive; config and layers are names of members. */
export interface DockerImage {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

/**
 * Reads the `manifest.json` of a docker archive.
 * @throws OcilotError `DOCUMENT_INVALID`
 */
export function parseDockerManifest(bytes: Uint8Array): DockerImage[] {
  const json = parseJson(bytes, "manifest.json");
  if (!Array.isArray(json)) throw invalid("$", "is not an array");
  return json.map((image, i) => {
    if (!isRecord(image)) throw invalid(`$[${i}]`, "is not an object");
    const config = image["Config"];
    if (typeof config !== "string") throw invalid(`$[${i}].Config`, "is not the name of a file");
    return { config, names: strings(image["RepoTags"], `$[${i}].RepoTags`), layers: strings(image["Layers"], `$[${i}].Layers`) };
  });
}

function strings(value: unknown, path: string): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw invalid(path, "is not an array of strings");
}

function invalid(path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `manifest.json: ${path} ${reason}`, { document: "manifest.json", path, reason });
}
