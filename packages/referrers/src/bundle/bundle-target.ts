import type { Layout } from "@ocilot/layout";
import type { BundleRoot } from "./bundle-document.js";

/** Where a bundle goes: one layout, or the repositories of a registry. */
export interface BundleTarget {
  /** For messages. */
  readonly location: string;
  /** A directory for what is not complete yet, and for what bundles did to tags. It is made when it is needed. */
  readonly state: string;
  /** Makes the target if it is not there. */
  prepare(): Promise<void>;
  /** Returns which layout of the target a root belongs to, and its tag there. */
  placeOf(root: BundleRoot): { readonly place: string; readonly tag?: string };
  /** Opens one of them, to be closed by the caller; `tags` are what is going to be looked at. */
  open(place: string, tags: readonly string[]): Promise<Layout>;
}

/** A rule of `--map`: repositories that begin with `from` begin with `to` instead. */
export interface RepositoryRule {
  readonly from: string;
  readonly to: string;
}

/**
 * Returns the repository under the first rule that fits, at a boundary between components; undefined if none does.
 * @example
 * ```ts
 * import { mapRepository } from "@ocilot/referrers";
 *
 * console.log(mapRepository("registry.example/team/app", [{ from: "registry.example", to: "mirror.local" }])); // mirror.local/team/app
 * ```
 */
export function mapRepository(repository: string, rules: readonly RepositoryRule[]): string | undefined {
  for (const { from, to } of rules) {
    const rest = repository === from ? "" : repository.startsWith(`${from}/`) ? repository.slice(from.length + 1) : undefined;
    if (rest !== undefined) return [to, rest].filter((part) => part !== "").join("/");
  }
  return undefined;
}
