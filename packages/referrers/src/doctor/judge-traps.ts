import type { Digest } from "@ocilot/layout/spec";
import { isUnlisted } from "../graph/edge.js";
import { EdgeSet } from "../graph/edge-set.js";
import { fillIn } from "../verify/fill-in.js";
import type { ToolId } from "../tools/reader-tool.js";
import { type Examination, type Symptom, type TrapLocation, symptom } from "./examination.js";
import type { ToolHealth } from "./tool-health.js";
import { TRAPS, TRAP_CODES, type OtherProgram, type TrapCode } from "./trap-codes.js";

/** A trap that a layout has. */
export interface LayoutTrap {
  readonly code: TrapCode;
  /** `error` where a judged program does not find everything and the trap concerns it; else `warning`. */
  readonly severity: "error" | "warning";
  readonly programs: readonly (ToolId | OtherProgram)[];
  /** What happens. */
  readonly effect: string;
  /** The command that fixes it. */
  readonly fix: string;
  readonly places: readonly TrapLocation[];
}

/**
 * Returns the links that a judged program could find if they were recorded in its convention.
 * @param isServed whether cosign can find in a directory what it signed
 */
export function notRecorded({ links }: Examination, tools: readonly ToolHealth[], isServed: boolean): Symptom[] {
  const legacy = new EdgeSet(links.filter((e) => e.legacy === true));
  const places = new Map<Digest, Map<Digest, { place: TrapLocation; by: ToolId[] }>>();
  for (const tool of tools.filter(isSought)) {
    for (const { subject, referrer } of tool.missing) {
      const siblings = places.get(subject) ?? new Map<Digest, { place: TrapLocation; by: ToolId[] }>();
      places.set(subject, siblings);
      const known = siblings.get(referrer);
      if (known !== undefined) known.by.push(tool.id);
      else if (!legacy.has({ subject, referrer: { digest: referrer } }))
        siblings.set(referrer, { place: { message: `${referrer} of ${subject}`, digest: referrer }, by: [tool.id] });
    }
  }
  const hasUnlisted = links.some((e) => isUnlisted(e) && places.get(e.subject)?.has(e.referrer.digest) === true);
  const all = [...places.values()].flatMap((siblings) => [...siblings.values()]);
  const named = all.map(({ place, by }) => ({ ...place, message: `${place.message} is not found by ${by.join(", ")}` }));
  return symptom("NOT_RECORDED", named, fixOf(tools.filter(isSought), isServed, hasUnlisted));
}

function fixOf(sought: readonly ToolHealth[], isServed: boolean, hasUnlisted: boolean): string {
  const scan = hasUnlisted ? " --scan" : "";
  if (sought.some((t) => t.id === "cosign")) {
    if (isServed) return `ocilot convert LAYOUT --to universal,cosign-save${scan}`;
    if (sought.length === 1) return "ocilot copy --all LAYOUT docker://REGISTRY/REPOSITORY";
  }
  return TRAPS.NOT_RECORDED.fix + scan;
}

/** Judged, able to open the layout, and missing something. */
function isSought({ judged, blocked, missing }: ToolHealth): boolean {
  return judged && blocked.length === 0 && missing.length > 0;
}

/** Returns the traps with severity and fix, in the order of the table. */
export function judgeTraps(symptoms: readonly Symptom[], tools: readonly ToolHealth[], location: string): LayoutTrap[] {
  const sick = tools.filter((t) => t.judged && !t.healthy).map((t) => t.id);
  return symptoms
    .toSorted((a, b) => TRAP_CODES.indexOf(a.code) - TRAP_CODES.indexOf(b.code))
    .map(({ code, places, fix, tag }) => {
      const row = TRAPS[code];
      const { digest } = places[0]!;
      const programs = code === "NOT_RECORDED" ? tools.filter(isSought).map((t) => t.id) : row.programs;
      const severity = programs.some((p) => (sick as readonly string[]).includes(p)) ? "error" : "warning";
      return {
        code,
        severity,
        programs,
        effect: row.effect,
        fix: fillIn(fix ?? row.fix, { LAYOUT: location, DIGEST: digest, REFERRER: digest, TAG: tag ?? places[0]!.tag }),
        places,
      };
    });
}
