import type { ConventionId } from "../graph/edge.js";
import type { LayoutView } from "../view/layout-view.js";
import type { ReaderTool, ToolId, Trap } from "./reader-tool.js";
import { buildxTool } from "./buildx.js";
import { containerdTool } from "./containerd.js";
import { cosignTool } from "./cosign.js";
import { notationTool } from "./notation.js";
import { olaregTool } from "./olareg.js";
import { orasTool } from "./oras.js";
import { regctlSlowTool, regctlTool } from "./regctl.js";
import { zotTool } from "./zot.js";

/** Every program that is modelled, all written in Go. A new one is a file and a line here. */
export const TOOLS: readonly ReaderTool[] = [
  orasTool,
  notationTool,
  regctlTool,
  regctlSlowTool,
  olaregTool,
  containerdTool,
  buildxTool,
  cosignTool,
  zotTool,
].map(inGo);

/** Programs that decode the first value of `index.json` and do not look further; the others want it to be the only one. */
const READS_FIRST_VALUE: ReadonlySet<ToolId> = new Set(["oras", "notation", "regctl", "regctl-slow", "olareg"]);

/**
 * Go refuses an `index.json` with an integer in another form. A member that occurs twice, or in other letters, is in the view as Go
 * reads it.
 */
function inGo(tool: ReaderTool): ReaderTool {
  const isRefused = ({ kind }: LayoutView["quirks"][number]): boolean =>
    kind === "number-form" || (kind === "trailing-bytes" && !READS_FIRST_VALUE.has(tool.id));
  const refusals = ({ quirks }: LayoutView): Trap[] =>
    quirks.filter(isRefused).map(({ message }) => ({ severity: "blocks", message: `index.json: ${message}` }));
  return {
    ...tool,
    finds: async (view, subject) => (refusals(view).length > 0 ? [] : await asGo(view, async (v) => await tool.finds(v, subject))),
    traps: async (view) => [...refusals(view), ...(await asGo(view, async (v) => await tool.traps(v)))],
  };
}

/** A second time where what was opened has a manifest that Go reads and ocilot does not. */
async function asGo<T>(view: LayoutView, ask: (view: LayoutView) => Promise<T>): Promise<T> {
  const answer = await ask(view);
  const seen = view.asGo();
  return seen === view ? answer : await ask(seen);
}

/**
 * The model of that id, or undefined.
 * @example
 * ```ts
 * import { findTool } from "@ocilot/referrers";
 *
 * console.log(findTool("oras")?.id);
 * ```
 */
export function findTool(id: string): ReaderTool | undefined {
  return TOOLS.find((t) => t.id === id);
}

const NAMESAKES: Partial<Record<ConventionId, readonly ToolId[]>> = {
  oras: ["oras"],
  regclient: ["regctl", "regctl-slow"],
  olareg: ["olareg"],
  containerd: ["containerd"],
  "cosign-save": ["cosign"],
};

/** The programs that read the records of a convention, and so have to find every link that it represents. */
export function toolsOf(target: ConventionId): ReaderTool[] {
  return (NAMESAKES[target] ?? []).map((id) => findTool(id)!);
}
