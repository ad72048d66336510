import type { Digest } from "@ocilot/layout/spec";
import { imagesToSave } from "../conventions/cosign-save.js";
import { imageRole } from "../conventions/kind-entries.js";
import type { ReferrerEdge } from "../graph/edge.js";
import { groupBy } from "../graph/group-by.js";
import { entriesByDigest } from "../records/referrer-entries.js";
import type { ReaderTool, ToolId } from "../tools/reader-tool.js";
import type { Examination } from "./examination.js";

/** What one program finds in a layout, of what it could find. */
export interface ToolHealth {
  readonly id: ToolId;
  readonly title: string;
  /** The diagnosis depends on it. */
  readonly judged: boolean;
  readonly found: number;
  readonly total: number;
  /** It finds everything that is present, and nothing keeps it from opening the layout. */
  readonly healthy: boolean;
  /** Why it cannot use the layout. */
  readonly blocked: readonly string[];
  readonly missing: readonly { readonly subject: Digest; readonly referrer: Digest }[];
}

/** The programs that are judged by default; cosign is one more where {@link canServeCosign}. */
export const JUDGED_TOOLS: readonly ToolId[] = ["oras", "notation", "regctl", "olareg", "containerd"];

const NOTARY = "application/vnd.cncf.notary.signature";
/** Programs that handle signatures only, and which ones. */
const CONCERNS: Partial<Record<ToolId, (edge: ReferrerEdge) => boolean>> = {
  notation: (e) => e.artifactType === NOTARY,
  cosign: (e) => e.artifactType?.startsWith("application/vnd.dev.sigstore.bundle") ?? false,
};

/**
 * Whether a conversion can let `cosign verify --local-image` find a signature: it knows one image of a layout, and finds no bundle
 * of an image index.
 */
export async function canServeCosign({ view, graph, links }: Examination): Promise<boolean> {
  const [image, ...others] = await imagesToSave(graph, view);
  const entry = view.entries.find((e) => e.descriptor.digest === image);
  if (entry === undefined || others.length > 0 || imageRole(entry.descriptor) !== "image") return false;
  return links.some((e) => e.subject === image && CONCERNS.cosign!(e));
}

/** Programs that resolve the subject in `index.json` first, so that they cannot be asked about one that is neither listed nor present. */
const RESOLVES: ReadonlySet<ToolId> = new Set(["oras", "notation"]);

/** Returns what the model of a program finds for every subject. */
export async function healthOf(tool: ReaderTool, { view, links }: Examination, judged: boolean): Promise<ToolHealth> {
  const blocked = (await tool.traps(view)).filter((t) => t.severity === "blocks").map((t) => t.message);
  const missing: { subject: Digest; referrer: Digest }[] = [];
  let total = 0;
  for (const [subject, edges] of groupBy(links.filter(CONCERNS[tool.id] ?? (() => true)), (e) => e.subject)) {
    if (RESOLVES.has(tool.id) && !entriesByDigest(view).has(subject) && !(await view.has(subject))) continue;
    total += edges.length;
    const found = new Set(blocked.length > 0 ? [] : await tool.finds(view, subject));
    for (const { referrer } of edges) if (!found.has(referrer.digest)) missing.push({ subject, referrer: referrer.digest });
  }
  return {
    id: tool.id,
    title: tool.title,
    judged,
    found: total - missing.length,
    total,
    healthy: missing.length + blocked.length === 0,
    blocked,
    missing,
  };
}
