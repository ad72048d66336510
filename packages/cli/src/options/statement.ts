import { STATEMENT_FORMATS, STATEMENT_KINDS, type StatementFilter, type StatementKind } from "@ocilot/referrers";
import type { Flag } from "../command-line/define-command.js";

interface StatementFlags {
  readonly kind: Flag & { readonly type: "string"; readonly list: true };
  readonly format: Flag & { readonly type: "string" };
  readonly "predicate-type": Flag & { readonly type: "string" };
}

/** Choose among statements by what they are, in whatever envelope. */
export const statementOptions: StatementFlags = {
  kind: {
    type: "string",
    list: true,
    placeholder: "KIND",
    choices: STATEMENT_KINDS,
    describe: "Only referrers of this kind (sbom, signature, …), in whatever envelope",
  },
  format: {
    type: "string",
    placeholder: "FORMAT",
    choices: STATEMENT_FORMATS,
    describe: "Only statements in this format",
  },
  "predicate-type": {
    type: "string",
    placeholder: "TYPE",
    complete: "none",
    describe: "Only in-toto statements of this predicate type; * and ? match any characters",
  },
};

interface StatementArguments {
  readonly kind?: readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly "predicate-type"?: string | undefined;
}

/** Returns the filter that the options above describe; the parser has checked their values. */
export function statementFilter({ kind, format, "predicate-type": predicateType }: StatementArguments): StatementFilter {
  return { kinds: kind as readonly StatementKind[] | undefined, format, predicateType };
}
