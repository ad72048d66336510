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

/** Tells whether a statement is one of those wanted. */
export function matchesStatement(statement: Classification, filter: StatementFilter): boolean {
  const { kinds, format, predicateType } = filter;
  return (
    (kinds === undefined || kinds.length === 0 || kinds.includes(statement.kind)) &&
    (format === undefined || statement.format === format) &&
    (predicateType === undefined || matchesGlob(statement.predicateType ?? "", predicateType))
  );
}

/** Tells whether a filter lets everything through. */
export function isOpenFilter(filter: StatementFilter): boolean {
  const { kinds, format, predicateType } = filter;
  return (kinds === undefined || kinds.length === 0) && format === undefined && predicateType === undefined;
}
