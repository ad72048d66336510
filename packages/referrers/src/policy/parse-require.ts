import { OcilotError } from "@ocilot/layout/spec";
import { findTool, TOOLS } from "../tools/registry.js";
import { NO_POLICY, type Policy, SCOPES, type Scope } from "./policy.js";

/**
 * Reads one `--require`:
 *
 *     TYPE[;annotation=KEY=VALUE]…[;scope=image|platform|all][;min=N]
 *     no-dangling | digest=ALGORITHM[,ALGORITHM]… | tool=NAME[,NAME]…
 *
 * TYPE is an artifact type, in which `*` stands for any characters and `?` for one.
 * @throws OcilotError `USAGE`
 */
export function parseRequire(text: string): Policy {
  if (text === "no-dangling") return { ...NO_POLICY, noDangling: true };
  if (text.startsWith("digest=")) return { ...NO_POLICY, digestAlgorithms: names(text, "digest=") };
  if (text.startsWith("tool=")) {
    const tools = names(text, "tool=").map((name) => {
      const tool = findTool(name);
      if (tool === undefined) throw usage(text, `${JSON.stringify(name)} is none of ${TOOLS.map((t) => t.id).join(", ")}`);
      return tool.id;
    });
    return { ...NO_POLICY, tools };
  }
  const [artifactType = "", ...clauses] = text.split(";");
  if (!/[/*?]/.test(artifactType) || /[\s=]/.test(artifactType))
    throw usage(text, `${JSON.stringify(artifactType)} is not an artifact type or a pattern of one`);
  const annotations: Record<string, string> = {};
  let scope: Scope = "all";
  let min = 1;
  for (const clause of clauses) {
    const [, name, value = ""] = /^([a-z]+)=(.*)$/s.exec(clause) ?? [];
    if (name === "annotation" && value.indexOf("=") > 0)
      annotations[value.slice(0, value.indexOf("="))] = value.slice(value.indexOf("=") + 1);
    else if (name === "scope" && (SCOPES as readonly string[]).includes(value)) scope = value as Scope;
    else if (name === "min" && /^[1-9]\d{0,2}$/.test(value)) min = Number(value);
    else throw usage(text, `${JSON.stringify(clause)} is none of annotation=KEY=VALUE, scope=${SCOPES.join("|")}, min=N`);
  }
  return { ...NO_POLICY, require: [{ artifactType, annotations, scope, min }] };
}

function names(text: string, prefix: string): string[] {
  const found = text.slice(prefix.length).split(",");
  if (found.includes("")) throw usage(text, "a name is missing");
  return found;
}

function usage(text: string, why: string): OcilotError<"USAGE"> {
  return new OcilotError(
    "USAGE",
    `--require ${JSON.stringify(text)}: ${why}`,
    { argument: "require" },
    {
      hint: "For example: --require 'application/spdx+json;scope=image', --require no-dangling, --require digest=sha256, --require tool=oras.",
    },
  );
}
