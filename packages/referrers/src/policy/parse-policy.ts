import { OcilotError, isRecord, parseJson } from "@ocilot/layout/spec";
import { TOOLS } from "../tools/registry.js";
import type { ToolId } from "../tools/reader-tool.js";
import { STATEMENT_FORMATS, STATEMENT_KINDS } from "../evidence/statement.js";
import { type Policy, type Requirement, SCOPES, defaultScope } from "./policy.js";

/** The usual name of a policy file; none is read by default. */
export const POLICY_FILE = "ocilot.policy.json";

const MEMBERS = ["$schema", "version", "require", "noDangling", "digestAlgorithms", "tools"];
const REQUIREMENT_MEMBERS = ["artifactType", "kind", "format", "predicateType", "annotations", "scope", "min"];
const MAX_TYPE = 255;
const MAX_MIN = 1000;

/**
 * Parses a policy file. Unknown members are refused, so that a misspelled rule is not ignored.
 * @param name of the file, for messages
 * @throws OcilotError `DOCUMENT_INVALID` with a JSON path, `LIMIT_EXCEEDED`
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { parsePolicy } from "@ocilot/referrers";
 *
 * console.log(parsePolicy(await readFile("./policy.json"), "policy.json").require);
 * ```
 */
export function parsePolicy(bytes: Uint8Array, name: string = POLICY_FILE): Policy {
  return checkPolicyJson(parseJson(bytes, name), name);
}

/**
 * As {@link parsePolicy}, for a parsed document.
 * @example
 * ```ts
 * import { checkPolicyJson } from "@ocilot/referrers";
 *
 * console.log(checkPolicyJson({ version: 1, require: [{ kind: "sbom" }] }, "policy").require);
 * ```
 */
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
    const artifactType = pattern(value, "artifactType", path, "an artifact type");
    const predicateType = pattern(value, "predicateType", path, "a predicate type");
    const kind = oneOf(value, "kind", path, STATEMENT_KINDS);
    const format = oneOf(value, "format", path, STATEMENT_FORMATS);
    if (artifactType === undefined && kind === undefined && predicateType === undefined)
      throw invalid(path, "has neither kind nor artifactType nor predicateType");
    const rule = {
      ...(artifactType !== undefined && { artifactType }),
      ...(kind !== undefined && { kind }),
      ...(format !== undefined && { format }),
      ...(predicateType !== undefined && { predicateType }),
    };
    const scope = oneOf(value, "scope", path, SCOPES) ?? defaultScope(rule);
    const min = Object.hasOwn(value, "min") ? value["min"] : 1;
    if (typeof min !== "number" || !Number.isInteger(min) || min < 1 || min > MAX_MIN)
      throw invalid(`${path}.min`, `is not a number from 1 to ${MAX_MIN}`);
    const annotations = optional(value, "annotations", path, isRecord, "is not an object") ?? {};
    for (const [key, text] of Object.entries(annotations)) {
      if (typeof text !== "string") throw invalid(`${path}.annotations[${JSON.stringify(key)}]`, "is not a string");
    }
    return { ...rule, scope, min, annotations: annotations as Record<string, string> };
  }

  function pattern(object: Record<string, unknown>, member: string, path: string, what: string): string | undefined {
    const isPattern = (v: unknown): v is string => typeof v === "string" && v !== "" && [...v].length <= MAX_TYPE;
    return optional(object, member, path, isPattern, `is not ${what} or a pattern of one, of 1 to ${MAX_TYPE} characters`);
  }

  function oneOf<T extends string>(object: Record<string, unknown>, member: string, path: string, values: readonly T[]): T | undefined {
    return optional(object, member, path, (v): v is T => values.includes(v as T), `is none of ${values.join(", ")}`);
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
