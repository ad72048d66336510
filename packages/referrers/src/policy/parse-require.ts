import { OcilotError } from "@ocilot/layout/spec";
import { findTool, TOOLS } from "../tools/registry.js";
import { STATEMENT_FORMATS, STATEMENT_KINDS } from "../evidence/statement.js";
import { NO_POLICY, type Policy, type Requirement, SCOPES, type Scope, defaultScope } from "./policy.js";

/**
 * Parses one `--require`:
 *
 *     KIND|TYPE[;format=FORMAT][;predicate-type=PATTERN][;annotation=KEY=VALUE]…[;scope=image|platform|all|any][;min=N]
 *     no-dangling | digest=ALGORITHM[,ALGORITHM]… | tool=NAME[,NAME]…
 *
 * KIND is one of `STATEMENT_KINDS`; TYPE is an artifact type, in which `*` stands for any characters and `?` for one.
 * @throws OcilotError `USAGE`
 * @example
 * ```ts
 * import { parseRequire } from "@ocilot/referrers";
 *
 * console.log(parseRequire("signature;min=2"));
 * ```
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
  const [what = "", ...clauses] = text.split(";");
  const kind = STATEMENT_KINDS.find((k) => k === what);
  if (kind === undefined && (!/[/*?]/.test(what) || /[\s=]/.test(what)))
    throw usage(text, `${JSON.stringify(what)} is neither a kind (${STATEMENT_KINDS.join(", ")}) nor an artifact type or a pattern of one`);
  const rule: { -readonly [Member in keyof Requirement]?: Requirement[Member] } = kind === undefined ? { artifactType: what } : { kind };
  const annotations: Record<string, string> = {};
  for (const clause of clauses) {
    const [, name, value = ""] = /^([a-z-]+)=(.*)$/s.exec(clause) ?? [];
    const format = STATEMENT_FORMATS.find((f) => f === value);
    if (name === "annotation" && value.indexOf("=") > 0)
      annotations[value.slice(0, value.indexOf("="))] = value.slice(value.indexOf("=") + 1);
    else if (name === "scope" && (SCOPES as readonly string[]).includes(value)) rule.scope = value as Scope;
    else if (name === "min" && /^[1-9]\d{0,2}$/.test(value)) rule.min = Number(value);
    else if (name === "predicate-type" && value !== "") rule.predicateType = value;
    else if (name === "format" && format !== undefined) rule.format = format;
    else throw usage(text, `${JSON.stringify(clause)} is none of ${CLAUSES}`);
  }
  return { ...NO_POLICY, require: [{ min: 1, scope: defaultScope(rule), ...rule, annotations }] };
}

const CLAUSES = `format=${STATEMENT_FORMATS.join("|")}, predicate-type=PATTERN, annotation=KEY=VALUE, scope=${SCOPES.join("|")}, min=N`;

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
      hint: "For example: --require sbom, --require 'application/spdx+json;scope=image', --require no-dangling, --require digest=sha256, --require tool=oras.",
    },
  );
}
