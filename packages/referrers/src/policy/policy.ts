import type { StatementFormat, StatementKind } from "../evidence/statement.js";
import type { ToolId } from "../tools/reader-tool.js";

/** Requirements on a layout: referrers, subjects, digest algorithms, and the programs that have to find everything. */
export interface Policy {
  readonly require: readonly Requirement[];
  /** The subject of every referrer must be in the layout. */
  readonly noDangling: boolean;
  /** The allowed digest algorithms (default: any). */
  readonly digestAlgorithms?: readonly string[];
  /** Programs that must find every referrer. */
  readonly tools: readonly ToolId[];
}

/** Images, the manifests of their platforms, both, or each platform by its own manifest or by the image that it is in. */
export type Scope = "image" | "platform" | "all" | "any";

export const SCOPES: readonly Scope[] = ["image", "platform", "all", "any"];

/** A number of referrers of a type or statements of a kind, with certain annotations, on everything in the scope. */
export interface Requirement {
  /** An artifact type; `*` stands for any characters, `?` for one. */
  readonly artifactType?: string;
  /** What the referrer states by its content, however it is wrapped. */
  readonly kind?: StatementKind;
  /** The format of the statement. */
  readonly format?: StatementFormat;
  /** The predicate type of the statement; `*` stands for any characters, `?` for one. */
  readonly predicateType?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly scope: Scope;
  readonly min: number;
}

/** The scope of a requirement that names none: an SBOM is mostly attached to each platform, a signature to the image. */
export function defaultScope({ kind, artifactType }: Pick<Requirement, "kind" | "artifactType">): Scope {
  return kind !== undefined && artifactType === undefined ? "any" : "all";
}

/** A policy that requires nothing. */
export const NO_POLICY: Policy = { require: [], noDangling: false, tools: [] };

/**
 * Returns everything that any of several policies requires.
 * @example
 * ```ts
 * import { joinPolicies, parseRequire } from "@ocilot/referrers";
 *
 * console.log(joinPolicies([parseRequire("signature"), parseRequire("sbom")]).require.length); // 2
 * ```
 */
export function joinPolicies(policies: readonly Policy[]): Policy {
  const limited = policies.flatMap((p) => (p.digestAlgorithms === undefined ? [] : [p.digestAlgorithms]));
  const [first, ...more] = limited;
  return {
    require: policies.flatMap((p) => p.require),
    noDangling: policies.some((p) => p.noDangling),
    tools: [...new Set(policies.flatMap((p) => p.tools))],
    ...(first !== undefined && { digestAlgorithms: first.filter((name) => more.every((names) => names.includes(name))) }),
  };
}
