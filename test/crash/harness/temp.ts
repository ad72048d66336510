import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** Full counts; a tenth of them otherwise. */
export const LONG: boolean = process.env["OCILOT_LONG"] === "1";

/** A directory that goes away when the tests of the file are done. */
export function tempRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "ocilot-test-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

let copies = 0;

/** A copy of a layout beside the others. */
export function copyOf(layout: string, root: string): string {
  const copy = join(root, `copy-${copies++}`);
  cpSync(layout, copy, { recursive: true });
  return copy;
}
