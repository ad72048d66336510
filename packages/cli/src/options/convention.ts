import { CONVENTIONS, type ConventionId, TARGETS } from "@ocilot/referrers";
import type { Flag } from "../command-line/define-command.js";

/** Options of more than one convention. */
interface ConventionFlag extends Flag {
  readonly type: "string";
  readonly array: true;
}

/** The conventions that state links of their own, and so can be asked for theirs. */
const READABLE: readonly ConventionId[] = CONVENTIONS.map((c) => c.id).filter((id) => id !== "universal");

/** Reads a layout through some conventions only. */
export const conventionOption: { readonly convention: ConventionFlag } = {
  convention: { type: "string", array: true, placeholder: "C", choices: READABLE, describe: "Only what this convention records" },
};

/** Chooses the conventions in which referrers are recorded. */
export const recordOption: { readonly convention: ConventionFlag } = {
  convention: {
    type: "string",
    array: true,
    placeholder: "C",
    choices: TARGETS,
    configurable: true,
    describe: "Record referrers in this convention (default: those in use)",
  },
};

/** The targets of a conversion; `buildkit` only where digests may change. */
export const targetOption: { readonly to: Flag & { readonly type: "string"; readonly list: true; readonly demandOption: true } } = {
  to: {
    type: "string",
    list: true,
    demandOption: true,
    placeholder: "CONVENTION",
    choices: [...TARGETS, "buildkit"],
    describe: "The convention to record referrers in, or several with commas; buildkit only with --allow-digest-change",
  },
};

/** Returns the ids that the parser has checked against the choices of the option. */
export function conventionIds(names: readonly string[] | undefined): readonly ConventionId[] | undefined {
  return names as readonly ConventionId[] | undefined;
}
