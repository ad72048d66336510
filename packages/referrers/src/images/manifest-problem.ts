import type { Descriptor, OcilotError } from "@ocilot/layout/spec";
import type { LayoutView } from "../view/layout-view.js";

/** Why a manifest cannot be read. What cannot be read is not always corrupt. */
export type ManifestProblem = "missing" | "corrupt" | "no permission" | "link out of the layout";

/**
 * Returns why a manifest cannot be read; undefined if it can.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { manifestProblem, openView } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * console.log(await manifestProblem(view, await layout.resolve("v1"))); // undefined: it can be read
 * ```
 */
export async function manifestProblem(view: LayoutView, d: Descriptor): Promise<ManifestProblem | undefined> {
  const [node] = await view.nodes([d]);
  if (node?.state === "absent" || (node?.state === "blob" && !(await view.has(d.digest)))) return "missing";
  return node?.state === "damaged" ? damageOf(node.error) : undefined;
}

function damageOf({ code }: OcilotError): ManifestProblem {
  if (code === "ACCESS_DENIED") return "no permission";
  return code === "LINK_OUTSIDE" ? "link out of the layout" : "corrupt";
}
