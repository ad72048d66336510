import { printable } from "../printable.js";

/** A line of a tree and what hangs below it. */
export interface TreeNode {
  readonly label: string;
  readonly children: readonly TreeNode[];
}

/** Draws a tree with box characters, which every UTF-8 terminal and log shows. Text from outside is made harmless. */
export function renderTree(root: TreeNode): string {
  const lines = [printable(root.label)];
  branch(root.children, "");
  return lines.join("\n");

  function branch(children: readonly TreeNode[], indent: string): void {
    children.forEach((child, i) => {
      const isLast = i === children.length - 1;
      lines.push(`${indent}${isLast ? "└─ " : "├─ "}${printable(child.label)}`);
      branch(child.children, indent + (isLast ? "   " : "│  "));
    });
  }
}
