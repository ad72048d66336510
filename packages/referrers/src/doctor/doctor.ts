import { type Layout, OcilotError, isOcilotError } from "@ocilot/layout";
import { CONVENTIONS } from "../conventions/registry.js";
import type { ConventionId } from "../edge.js";
import type { ToolId } from "../reader-tool.js";
import { TOOLS } from "../tools/registry.js";
import { entryTraps } from "./entry-traps.js";
import { type Examination, type Symptom, examine } from "./examination.js";
import { fileTraps } from "./file-traps.js";
import { linkTraps } from "./link-traps.js";
import { listTraps } from "./list-traps.js";
import { manifestTraps, unreadableIndex } from "./manifest-traps.js";
import { JUDGED, type ToolHealth, healthOf } from "./tool-health.js";
import { type LayoutTrap, notRecorded, weigh } from "./weigh.js";

export interface DoctorOptions {
  /** The programs that have to find everything; oras, notation, regctl, olareg and containerd unless told. */
  readonly tools?: readonly ToolId[];
  readonly signal?: AbortSignal;
}

/** A convention that the layout speaks, with the entries that do. */
export interface Spoken {
  readonly id: ConventionId;
  readonly title: string;
  readonly entries: readonly { readonly position: number; readonly digest: string; readonly reason: string }[];
  /** Annotations of `index.json` itself. */
  readonly flags: readonly string[];
}

/** What a layout is like to the programs that read it; plain data. The schema is schema/doctor.schema.json. */
export interface Diagnosis {
  readonly layout: string;
  /** Every judged program finds every link. */
  readonly healthy: boolean;
  /** Links whose manifest has a subject: what there is to find. */
  readonly links: number;
  readonly conventions: readonly Spoken[];
  readonly tools: readonly ToolHealth[];
  /** In the order in which they had better be mended. */
  readonly traps: readonly LayoutTrap[];
}

/**
 * Tells which conventions a layout speaks, what each program finds in it, and what will go wrong. Reads every blob that
 * nothing names; writes nothing. An `index.json` that cannot be read is a diagnosis too.
 * @throws OcilotError `IO_ERROR`, `ABORTED`
 */
export async function doctor(layout: Layout, options: DoctorOptions = {}): Promise<Diagnosis> {
  const judged = new Set(options.tools ?? JUDGED);
  let examination: Examination;
  try {
    examination = await examine(layout, options.signal);
  } catch (error) {
    if (!isOcilotError(error, "LAYOUT_INVALID", "LIMIT_EXCEEDED")) throw error;
    return unreadable(layout, error, judged);
  }
  const { view } = examination;
  const tools: ToolHealth[] = [];
  for (const tool of TOOLS) tools.push(await healthOf(tool, examination, judged.has(tool.id)));
  const symptoms: Symptom[] = [...notRecorded(examination, tools)];
  for (const find of [fileTraps, manifestTraps, listTraps, linkTraps, entryTraps]) symptoms.push(...(await find(examination)));
  return {
    layout: layout.location,
    healthy: tools.every((t) => !t.judged || t.healthy),
    links: examination.links.length,
    conventions: await spokenIn(view),
    tools,
    traps: weigh(symptoms, tools, layout.location),
  };
}

async function spokenIn(view: Examination["view"]): Promise<Spoken[]> {
  const found: Spoken[] = [];
  for (const convention of CONVENTIONS) {
    const { entries, flags } = await convention.detect(view);
    if (entries.length + flags.length === 0) continue;
    const named = entries.map(({ position, reason }) => ({ position, digest: view.entries[position]!.descriptor.digest, reason }));
    found.push({ id: convention.id, title: convention.title, entries: named, flags });
  }
  return found;
}

function unreadable(layout: Layout, error: OcilotError, judged: ReadonlySet<ToolId>): Diagnosis {
  const tools = TOOLS.map(({ id, title }): ToolHealth => {
    return { id, title, judged: judged.has(id), found: 0, there: 0, healthy: false, blocked: [error.message], missing: [] };
  });
  const traps = weigh([unreadableIndex(error)], tools, layout.location);
  return { layout: layout.location, healthy: judged.size === 0, links: 0, conventions: [], tools, traps };
}
