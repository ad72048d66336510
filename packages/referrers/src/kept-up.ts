import type { Convention } from "./convention.js";
import { CONVENTIONS } from "./conventions/registry.js";
import type { LayoutView } from "./view.js";

/**
 * The conventions that a layout speaks and whose records are kept up to date. Tags and kinds are names that other programs
 * act on: they are added only where they are asked for.
 */
export async function keptUp(view: LayoutView): Promise<Convention[]> {
  const spoken: Convention[] = [];
  for (const convention of CONVENTIONS) {
    const { target, shape } = convention.traits;
    if (target && shape !== "other" && (await convention.detect(view)).entries.length > 0) spoken.push(convention);
  }
  return spoken;
}
