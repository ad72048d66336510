import { printable } from "./printable.js";

/** Rows with their columns aligned; `right` names the columns of numbers. Text from outside is made harmless. */
export function renderTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const safe = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of safe) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, widthOf(cell))));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (right.includes(i) ? pad(cell, widths[i]!) + cell : cell + pad(cell, widths[i]!))).join("  ");
  return safe.map((row) => line(row).trimEnd()).join("\n");
}

function pad(cell: string, width: number): string {
  return " ".repeat(width - widthOf(cell));
}

/** Characters, not UTF-16 units; wide scripts may still be out of line. */
function widthOf(text: string): number {
  return text.length === 0 ? 0 : [...text].length;
}
