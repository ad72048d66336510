import { edgeKey } from "../graph/edge.js";
import type { Statement, StatementNote } from "../evidence/statement.js";
import type { Inventory } from "./blob-uses.js";
import { type Finding, finding } from "./finding.js";
import type { FindingCode } from "./finding-codes.js";

/** A blob that cannot be read has a finding of its own. */
const CODES: Readonly<Record<StatementNote["code"], FindingCode | undefined>> = {
  SUBJECT_DIFFERS: "STATEMENT_SUBJECT",
  MALFORMED: "STATEMENT_MALFORMED",
  NESTED: "STATEMENT_NOTE",
  TOO_LARGE: "STATEMENT_NOTE",
  FORMAT_DIFFERS: "STATEMENT_NOTE",
  SUBJECTS_LEFT_OUT: "STATEMENT_NOTE",
  UNREADABLE: undefined,
};

function isNoted(statements: readonly Statement[]): boolean {
  return statements.some(({ notes }) => notes.length > 0);
}

/** What is wrong with the statements of referrers, as far as their content tells; no signature is verified. */
export function statementFindings({ edges, paths }: Inventory, statements: ReadonlyMap<string, readonly Statement[]>): Finding[] {
  // The key of an edge is a long text, and most layouts have nothing to say.
  if (![...statements.values()].some(isNoted)) return [];
  return edges.flatMap((edge) =>
    (statements.get(edgeKey(edge)) ?? []).flatMap((statement) =>
      statement.notes.flatMap((note) => {
        const code = CODES[note.code];
        if (code === undefined) return [];
        const { digest } = edge.referrer;
        const message = `the ${statement.kind} in ${digest}: ${note.message}`;
        return [finding(code, { steps: paths.get(digest), digest, message })];
      }),
    ),
  );
}
