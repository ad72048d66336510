import type { Convention } from "./convention.js";
import { conventionsFor } from "./registry.js";
import type { LayoutView } from "../view/layout-view.js";

/**
 * Returns the conventions in use whose records are kept up to date. Tags and kinds are names that other programs act on: they
 * are added only on request.
 */
export async function maintainedConventions(view: LayoutView): Promise<Convention[]> {
  const inUse: Convention[] = [];
  for (const convention of conventionsFor(view.origin)) {
    const { target, shape } = convention.traits;
    if (target && shape !== "other" && (await convention.detect(view)).entries.length > 0) inUse.push(convention);
  }
  return inUse;
}
