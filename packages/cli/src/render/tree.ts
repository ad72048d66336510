import { printable } from "./printable.js";
import { renderTable } from "./table.js";

/** A line of a tree and what hangs below it. */
export interface TreeNode {
  readonly label: string;
  /** More columns, aligned over the whole tree. */
  readonly cells?: readonly string[];
  readonly children: readonly TreeNode[];
}

/** Draws a tree with box characters, which every UTF-8 terminal and log shows. Text from outside is made harmless. */
export function renderTree(root: TreeNode): string {
  const rows: (readonly string[])[] = [rowOf(root, "")];
  branch(root.children, "");
  return renderTable(rows);

  function branch(children: readonly TreeNode[], indent: string): void {
    children.forEach((child, i) => {
      const isLast = i === children.length - 1;
      rows.push(rowOf(child, `${indent}${isLast ? "└─ " : "├─ "}`));
      branch(child.children, indent + (isLast ? "   " : "│  "));
    });
  }
}

function rowOf({ label, cells = [] }: TreeNode, lead: string): readonly string[] {
  return [lead + printable(label), ...cells];
}
