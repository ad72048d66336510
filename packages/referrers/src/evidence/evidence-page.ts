import { STATEMENT_KINDS, type StatementKind } from "./statement.js";
import type { Wrapping } from "./wrapping.js";
import { WRAPPINGS } from "./wrappings/registry.js";

/** The table of `docs/evidence.md`: each wrapping, and which tools put which kind into it. */
export function evidenceTable(): string {
  const rows = WRAPPINGS.flatMap((w) => w.made.map(({ kind, by }) => [w.id, w.title, kind, by]));
  const head = ["wrapping", "what it looks like", "kind", "made by"];
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The kinds that tools put into a wrapping, in the order of {@link STATEMENT_KINDS}. */
export function madeKinds({ made }: Wrapping): StatementKind[] {
  return STATEMENT_KINDS.filter((kind) => made.some((m) => m.kind === kind));
}
