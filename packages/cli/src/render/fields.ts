import { printable } from "./printable.js";

/** How each field of a row is printed. */
export type FieldTable<Row> = Readonly<Record<string, (row: Row) => string | number | undefined>>;

/** Returns one line for each row: the chosen fields, separated by tabs, for scripts. Text from outside is made harmless. */
export function renderFields<Row>(rows: readonly Row[], names: readonly string[], table: FieldTable<Row>): string[] {
  return rows.map((row) => names.map((name) => printable(String(table[name]!(row) ?? ""))).join("\t"));
}
