import { edgeKey } from "../edge.js";
import type { ToolId } from "../reader-tool.js";
import { type Examination, type Symptom, type TrapPlace, symptom } from "./examination.js";
import type { ToolHealth } from "./tool-health.js";
import { TRAPS, TRAP_CODES, type OtherProgram, type TrapCode } from "./trap-codes.js";

/** A trap that a layout has. */
export interface LayoutTrap {
  readonly code: TrapCode;
  /** `error` where a judged program does not find everything and the trap concerns it; else `warning`. */
  readonly severity: "error" | "warning";
  readonly programs: readonly (ToolId | OtherProgram)[];
  /** What will happen. */
  readonly effect: string;
  /** The one command that mends it. */
  readonly fix: string;
  readonly places: readonly TrapPlace[];
}

/** The links that some judged program could find, if they were recorded in its way. */
export function notRecorded({ links }: Examination, tools: readonly ToolHealth[]): Symptom[] {
  const legacy = new Set(links.filter((e) => e.legacy === true).map(edgeKey));
  const places = new Map<string, { place: TrapPlace; by: ToolId[] }>();
  for (const tool of tools.filter(isSought)) {
    for (const { subject, referrer } of tool.missing) {
      const key = `${subject} ${referrer}`;
      const known = places.get(key);
      if (known !== undefined) known.by.push(tool.id);
      else if (!legacy.has(key)) places.set(key, { place: { message: `${referrer} of ${subject}`, digest: referrer }, by: [tool.id] });
    }
  }
  const isUnlisted = links.some((e) => places.has(edgeKey(e)) && e.evidence.every((v) => v.convention === "unlisted"));
  const named = [...places.values()].map(({ place, by }) => ({ ...place, message: `${place.message} is not found by ${by.join(", ")}` }));
  return symptom("NOT_RECORDED", named, isUnlisted ? TRAPS.REFERRER_UNLISTED.fix : undefined);
}

/** Judged, able to open the layout, and short of something. */
function isSought({ judged, blocked, missing }: ToolHealth): boolean {
  return judged && blocked.length === 0 && missing.length > 0;
}

/** Says how bad each is and what mends it, with the layout's own names; in the order of the table. */
export function weigh(symptoms: readonly Symptom[], tools: readonly ToolHealth[], location: string): LayoutTrap[] {
  const sick = tools.filter((t) => t.judged && !t.healthy).map((t) => t.id);
  return symptoms
    .toSorted((a, b) => TRAP_CODES.indexOf(a.code) - TRAP_CODES.indexOf(b.code))
    .map(({ code, places, fix, tag }) => {
      const row = TRAPS[code];
      const programs = code === "NOT_RECORDED" ? tools.filter(isSought).map((t) => t.id) : row.programs;
      const severity = programs.some((p) => (sick as readonly string[]).includes(p)) ? "error" : "warning";
      return {
        code,
        severity,
        programs,
        effect: row.effect,
        fix: filledIn(fix ?? row.fix, location, { ...places[0]!, ...(tag !== undefined && { tag }) }),
        places,
      };
    });
}

/** Each word of the command with what it stands for, quoted where a shell would need it. */
function filledIn(command: string, location: string, place: TrapPlace): string {
  const values: Readonly<Record<string, string | undefined>> = { LAYOUT: location, DIGEST: place.digest, TAG: place.tag };
  const words = command.split(" ").map((word) => word.replaceAll(/LAYOUT|DIGEST|TAG/g, (name) => values[name] ?? name));
  return words.map((word) => (/^[A-Za-z0-9_./:@+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
