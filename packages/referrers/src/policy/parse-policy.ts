import { OcilotError, isRecord, parseJson } from "@ocilot/layout/spec";
import { TOOLS } from "../tools/registry.js";
import type { ToolId } from "../reader-tool.js";
import { type Policy, type Requirement, SCOPES, type Scope } from "./policy.js";

/** The name that a policy file is looked for under by people; nothing is read unless it is named. */
export const POLICY_FILE = "ocilot.policy.json";

const MEMBERS = ["$schema", "version", "require", "noDangling", "digestAlgorithms", "tools"];
const REQUIREMENT_MEMBERS = ["artifactType", "annotations", "scope", "min"];
const MAX_TYPE = 255;
const MAX_MIN = 1000;

/**
 * Reads a policy file. A member that is not known is refused: a misspelled rule must not be a rule less.
 * @param name of the file, for messages
 * @throws OcilotError `DOCUMENT_INVALID` with a JSON path, `LIMIT_EXCEEDED`
 */
export function parsePolicy(bytes: Uint8Array, name: string = POLICY_FILE): Policy {
  return checkPolicyJson(parseJson(bytes, name), name);
}

/** As {@link parsePolicy}, for a document that is parsed already. */
export function checkPolicyJson(json: unknown, name: string = POLICY_FILE): Policy {
  if (!isRecord(json)) throw invalid("$", "is not an object");
  refuseUnknown(json, "$", MEMBERS);
  optional(json, "$schema", "$", isString, "is not a string");
  if (json["version"] !== 1) throw invalid("$.version", "is not 1, the only version there is");
  const require = optional(json, "require", "$", Array.isArray, "is not an array") ?? [];
  const tools = strings(json, "tools").map((id, i) => {
    if (!TOOLS.some((t) => t.id === id)) throw invalid(`$.tools[${i}]`, `is none of ${TOOLS.map((t) => t.id).join(", ")}`);
    return id as ToolId;
  });
  const algorithms = json["digestAlgorithms"] === undefined ? undefined : strings(json, "digestAlgorithms");
  if (algorithms?.length === 0) throw invalid("$.digestAlgorithms", "is empty: no digest could be allowed");
  return {
    require: (require as unknown[]).map((item, i) => requirement(item, `$.require[${i}]`)),
    noDangling: optional(json, "noDangling", "$", (v) => typeof v === "boolean", "is not true or false") === true,
    tools,
    ...(algorithms !== undefined && { digestAlgorithms: algorithms }),
  };

  function requirement(value: unknown, path: string): Requirement {
    if (!isRecord(value)) throw invalid(path, "is not an object");
    refuseUnknown(value, path, REQUIREMENT_MEMBERS);
    const { artifactType, scope = "all", min = 1 } = value;
    if (typeof artifactType !== "string" || artifactType === "" || [...artifactType].length > MAX_TYPE) {
      throw invalid(`${path}.artifactType`, `is not an artifact type or a pattern of one, of 1 to ${MAX_TYPE} characters`);
    }
    if (!SCOPES.includes(scope as Scope)) throw invalid(`${path}.scope`, `is none of ${SCOPES.join(", ")}`);
    if (typeof min !== "number" || !Number.isInteger(min) || min < 1 || min > MAX_MIN)
      throw invalid(`${path}.min`, `is not a number from 1 to ${MAX_MIN}`);
    const annotations = optional(value, "annotations", path, isRecord, "is not an object") ?? {};
    for (const [key, text] of Object.entries(annotations)) {
      if (typeof text !== "string") throw invalid(`${path}.annotations[${JSON.stringify(key)}]`, "is not a string");
    }
    return { artifactType, scope: scope as Scope, min, annotations: annotations as Record<string, string> };
  }

  function strings(object: Record<string, unknown>, member: string): string[] {
    const list = (optional(object, member, "$", Array.isArray, "is not an array") ?? []) as unknown[];
    list.forEach((item, i) => {
      if (typeof item !== "string" || item === "") throw invalid(`$.${member}[${i}]`, "is not a name");
    });
    return list as string[];
  }

  function optional<T>(
    object: Record<string, unknown>,
    member: string,
    path: string,
    test: (v: unknown) => v is T,
    reason: string,
  ): T | undefined;
  function optional(object: Record<string, unknown>, member: string, path: string, test: (v: unknown) => boolean, reason: string): unknown;
  function optional(object: Record<string, unknown>, member: string, path: string, test: (v: unknown) => boolean, reason: string): unknown {
    const value = Object.hasOwn(object, member) ? object[member] : undefined;
    if (value !== undefined && !test(value)) throw invalid(`${path}.${member}`, reason);
    return value;
  }

  function refuseUnknown(object: Record<string, unknown>, path: string, known: readonly string[]): void {
    const other = Object.keys(object).find((key) => !known.includes(key));
    if (other !== undefined) throw invalid(`${path}[${JSON.stringify(other)}]`, `is not known; there are: ${known.join(", ")}`);
  }

  function invalid(path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
    return new OcilotError(
      "DOCUMENT_INVALID",
      `${name}: ${path} ${reason}`,
      { document: name, path, reason },
      { hint: "docs/findings.md shows what a policy may say." },
    );
  }
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
