import type { Digest } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../edge.js";
import { groupBy } from "../group-by.js";
import type { ReaderTool, ToolId } from "../reader-tool.js";
import type { Examination } from "./examination.js";

/** What one program finds in a layout, of what it could find. */
export interface ToolHealth {
  readonly id: ToolId;
  readonly title: string;
  /** The diagnosis depends on it. */
  readonly judged: boolean;
  readonly found: number;
  readonly there: number;
  /** It finds all that is there, and nothing keeps it from opening the layout. */
  readonly healthy: boolean;
  /** Why it cannot use the layout at all. */
  readonly blocked: readonly string[];
  readonly missing: readonly { readonly subject: Digest; readonly referrer: Digest }[];
}

/** The programs that are judged unless told. */
export const JUDGED: readonly ToolId[] = ["oras", "notation", "regctl", "olareg", "containerd"];

const NOTARY = "application/vnd.cncf.notary.signature";
/** Programs that are for signatures alone, and which they take. */
const CONCERNS: Partial<Record<ToolId, (edge: ReferrerEdge) => boolean>> = {
  notation: (e) => e.artifactType === NOTARY,
  cosign: (e) => e.artifactType?.startsWith("application/vnd.dev.sigstore.bundle") ?? false,
};
/** Programs that resolve a subject in the layout before they look for referrers, so that an absent one cannot be asked for. */
const RESOLVES: ReadonlySet<ToolId> = new Set(["oras", "notation"]);

/** Asks the model of a program for the referrers of every subject. */
export async function healthOf(tool: ReaderTool, { view, links }: Examination, judged: boolean): Promise<ToolHealth> {
  const blocked = (await tool.traps(view)).filter((t) => t.severity === "blocks").map((t) => t.message);
  const missing: { subject: Digest; referrer: Digest }[] = [];
  let there = 0;
  for (const [subject, edges] of groupBy(links.filter(CONCERNS[tool.id] ?? (() => true)), (e) => e.subject)) {
    if (RESOLVES.has(tool.id) && !(await view.has(subject))) continue;
    there += edges.length;
    const found = new Set(blocked.length > 0 ? [] : await tool.finds(view, subject));
    for (const { referrer } of edges) if (!found.has(referrer.digest)) missing.push({ subject, referrer: referrer.digest });
  }
  return {
    id: tool.id,
    title: tool.title,
    judged,
    found: there - missing.length,
    there,
    healthy: missing.length + blocked.length === 0,
    blocked,
    missing,
  };
}
