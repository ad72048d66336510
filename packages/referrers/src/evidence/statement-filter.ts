import { matchesGlob } from "../graph/glob.js";
import type { Classification, StatementKind } from "./statement.js";

/** Which statements are wanted; what is not given does not matter. */
export interface StatementFilter {
  /** One of these kinds. */
  readonly kinds?: readonly StatementKind[] | undefined;
  readonly format?: string | undefined;
  /** `*` stands for any characters, `?` for one. */
  readonly predicateType?: string | undefined;
}

/**
 * Tells whether a statement is one of those wanted.
 * @example
 * ```ts
 * import { classifyArtifactType, matchesStatement } from "@ocilot/referrers";
 *
 * const [statement] = classifyArtifactType("application/spdx+json");
 * console.log(matchesStatement(statement, { kinds: ["sbom"] })); // true
 * ```
 */
export function matchesStatement(statement: Classification, filter: StatementFilter): boolean {
  const { kinds, format, predicateType } = filter;
  return (
    (kinds === undefined || kinds.length === 0 || kinds.includes(statement.kind)) &&
    (format === undefined || statement.format === format) &&
    (predicateType === undefined || matchesGlob(statement.predicateType ?? "", predicateType))
  );
}

/**
 * Tells whether a filter lets everything through.
 * @example
 * ```ts
 * import { isOpenFilter } from "@ocilot/referrers";
 *
 * console.log(isOpenFilter({}), isOpenFilter({ kinds: ["sbom"] })); // true false
 * ```
 */
export function isOpenFilter(filter: StatementFilter): boolean {
  const { kinds, format, predicateType } = filter;
  return (kinds === undefined || kinds.length === 0) && format === undefined && predicateType === undefined;
}
