import { countReferrers } from "../graph/count-referrers.js";
import { type Layout, OcilotError, isOcilotError } from "@ocilot/layout";
import { conventionsFor } from "../conventions/registry.js";
import type { ConventionId } from "../graph/edge.js";
import type { ToolId } from "../tools/reader-tool.js";
import { TOOLS } from "../tools/registry.js";
import { entryTraps } from "./entry-traps.js";
import { type Examination, type Symptom, examine } from "./examination.js";
import { fileTraps } from "./file-traps.js";
import { linkTraps } from "./link-traps.js";
import { listTraps } from "./list-traps.js";
import { manifestTraps, unreadableIndex } from "./manifest-traps.js";
import { JUDGED_TOOLS, type ToolHealth, canServeCosign, healthOf } from "./tool-health.js";
import { type LayoutTrap, notRecorded, judgeTraps } from "./judge-traps.js";

/** What `doctor` judges, and how. */
export interface DoctorOptions {
  /** The programs that have to find everything (default: oras, notation, regctl, olareg and containerd, and cosign where it can find what it signed). */
  readonly tools?: readonly ToolId[];
  readonly signal?: AbortSignal;
}

/** A convention in use, with the entries that show it. */
export interface ConventionInUse {
  readonly id: ConventionId;
  readonly title: string;
  readonly entries: readonly { readonly position: number; readonly digest: string; readonly reason: string }[];
  /** Annotations of `index.json` itself. */
  readonly flags: readonly string[];
}

/** What the programs that read a layout find in it; plain data, which `ocilot doctor --json` prints. */
export interface Diagnosis {
  readonly layout: string;
  /** Every judged program finds every link. */
  readonly healthy: boolean;
  readonly referrers: number;
  /** The number of links whose manifest has a subject. */
  readonly links: number;
  readonly conventions: readonly ConventionInUse[];
  readonly tools: readonly ToolHealth[];
  /** In the order in which they should be fixed. */
  readonly traps: readonly LayoutTrap[];
}

/**
 * Returns which conventions are in use in a layout, what each program finds in it, and what will go wrong. Reads every blob that
 * is not referenced; writes nothing. An `index.json` that cannot be read is a diagnosis, not an error.
 * @throws OcilotError `IO_ERROR`, `ABORTED`
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { doctor } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { tools, traps } = await doctor(layout);
 * for (const { id, found, total } of tools) console.log(`${id} finds ${found} of ${total}`);
 * for (const { code, effect, fix } of traps) console.log(code, effect, fix);
 * ```
 */
export async function doctor(layout: Layout, options: DoctorOptions = {}): Promise<Diagnosis> {
  const judged = new Set(options.tools ?? JUDGED_TOOLS);
  let examination: Examination;
  try {
    examination = await examine(layout, options.signal);
  } catch (error) {
    if (!isOcilotError(error, "LAYOUT_INVALID", "LIMIT_EXCEEDED")) throw error;
    return unreadable(layout, error, judged);
  }
  const { view } = examination;
  const isServed = await canServeCosign(examination);
  if (options.tools === undefined && isServed) judged.add("cosign");
  const tools: ToolHealth[] = [];
  for (const tool of TOOLS) tools.push(await healthOf(tool, examination, judged.has(tool.id)));
  const symptoms: Symptom[] = [...notRecorded(examination, tools, isServed)];
  for (const find of [fileTraps, manifestTraps, listTraps, linkTraps, entryTraps]) symptoms.push(...(await find(examination)));
  return {
    layout: layout.location,
    healthy: tools.every((t) => !t.judged || t.healthy),
    referrers: countReferrers(examination.graph.edges()),
    links: examination.links.length,
    conventions: await conventionsIn(view),
    tools,
    traps: judgeTraps(symptoms, tools, layout.location),
  };
}

async function conventionsIn(view: Examination["view"]): Promise<ConventionInUse[]> {
  const found: ConventionInUse[] = [];
  for (const convention of conventionsFor(view.origin)) {
    const { entries, flags } = await convention.detect(view);
    if (entries.length + flags.length === 0) continue;
    const named = entries.map(({ position, reason }) => ({ position, digest: view.entries[position]!.descriptor.digest, reason }));
    found.push({ id: convention.id, title: convention.title, entries: named, flags });
  }
  return found;
}

function unreadable(layout: Layout, error: OcilotError, judged: ReadonlySet<ToolId>): Diagnosis {
  const tools = TOOLS.map(({ id, title }): ToolHealth => {
    return { id, title, judged: judged.has(id), found: 0, total: 0, healthy: false, blocked: [error.message], missing: [] };
  });
  const traps = judgeTraps([unreadableIndex(error)], tools, layout.location);
  return { layout: layout.location, healthy: judged.size === 0, referrers: 0, links: 0, conventions: [], tools, traps };
}
