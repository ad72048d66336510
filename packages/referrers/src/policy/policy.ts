import type { ToolId } from "../reader-tool.js";

/** What must be there before a bundle may go: rules about referrers, links, digests and the programs on the far side. */
export interface Policy {
  readonly require: readonly Requirement[];
  /** Every subject that a referrer names must be in the layout. */
  readonly noDangling: boolean;
  /** The only digest algorithms that may occur; any unless told. */
  readonly digestAlgorithms?: readonly string[];
  /** Programs that must find every referrer that they could be asked for. */
  readonly tools: readonly ToolId[];
}

/** Images, the manifests of their platforms, or both. */
export type Scope = "image" | "platform" | "all";

export const SCOPES: readonly Scope[] = ["image", "platform", "all"];

/** So many referrers of a type, with these annotations, on everything in the scope. */
export interface Requirement {
  /** An artifact type; `*` stands for any characters, `?` for one. */
  readonly artifactType: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly scope: Scope;
  readonly min: number;
}

/** A policy that requires nothing. */
export const NO_POLICY: Policy = { require: [], noDangling: false, tools: [] };

/** All that any of several policies requires. */
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

/**
 * Tells whether `text` is of the form `pattern`: `*` stands for any characters, `?` for one. No regular expression, so
 * that no pattern from outside can make it slow.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  let t = 0;
  let p = 0;
  let star = -1;
  let retry = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      retry = t;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++retry;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
