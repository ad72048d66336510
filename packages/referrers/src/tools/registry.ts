import type { ConventionId } from "../edge.js";
import type { ReaderTool, ToolId } from "../reader-tool.js";
import { buildxTool } from "./buildx.js";
import { containerdTool } from "./containerd.js";
import { cosignTool } from "./cosign.js";
import { notationTool } from "./notation.js";
import { olaregTool } from "./olareg.js";
import { orasTool } from "./oras.js";
import { regctlSlowTool, regctlTool } from "./regctl.js";
import { zotTool } from "./zot.js";

/** Every program that is modelled. A new one is a file and a line here. */
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
];

/** The model of that id, or undefined. */
export function findTool(id: string): ReaderTool | undefined {
  return TOOLS.find((t) => t.id === id);
}

const NAMESAKES: Partial<Record<ConventionId, readonly ToolId[]>> = {
  oras: ["oras"],
  regclient: ["regctl"],
  olareg: ["olareg"],
  containerd: ["containerd"],
  universal: ["oras", "regctl", "regctl-slow", "olareg", "containerd"],
};

/** The programs that must find every edge once a layout has been converted to `target`. */
export function toolsOf(target: ConventionId): ReaderTool[] {
  return (NAMESAKES[target] ?? []).map((id) => findTool(id)!);
}
