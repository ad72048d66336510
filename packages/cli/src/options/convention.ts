import { CONVENTIONS, type ConventionId, TARGETS } from "@ocilot/referrers";
import { suggest } from "../suggest.js";
import { usageError } from "../usage-error.js";

/** The conventions that state links of their own, and so can be asked for theirs. */
const READABLE: readonly ConventionId[] = CONVENTIONS.map((c) => c.id).filter((id) => id !== "universal");

/** Looks at a layout through some conventions only. */
export const conventionOption: {
  readonly convention: { readonly type: "string"; readonly array: true; readonly placeholder: string; readonly describe: string };
} = {
  convention: {
    type: "string",
    array: true,
    placeholder: "C",
    describe: `Only what this convention records; may be repeated: ${READABLE.join(", ")}`,
  },
};

/** What a conversion can speak afterwards; `buildkit` only where digests may change. */
const CONVERSIONS: readonly ConventionId[] = [...TARGETS, "buildkit"];

/** The target of a conversion. */
export const targetOption: {
  readonly to: { readonly type: "string"; readonly demandOption: true; readonly placeholder: string; readonly describe: string };
} = {
  to: {
    type: "string",
    demandOption: true,
    placeholder: "CONVENTION",
    describe: `The convention to speak afterwards: ${TARGETS.join(", ")}; or buildkit with --allow-digest-change`,
  },
};

/** @throws OcilotError `USAGE` */
export function conventionsOf(names: readonly string[] | undefined): ConventionId[] | undefined {
  return names?.map((name) => known(name, READABLE, "convention"));
}

/** @throws OcilotError `USAGE` */
export function targetOf(name: string, option = "to"): ConventionId {
  return known(name, TARGETS, option);
}

/** As {@link targetOf}, of a conversion. @throws OcilotError `USAGE` */
export function conversionOf(name: string): ConventionId {
  return known(name, CONVERSIONS, "to");
}

function known(name: string, ids: readonly ConventionId[], option: string): ConventionId {
  const id = ids.find((i) => i === name);
  if (id !== undefined) return id;
  const near = suggest(name, ids);
  const isOther = CONVENTIONS.some((c) => c.id === name);
  const what = isOther ? `--${option} cannot be ${name}` : `--${option} ${name} is not a convention`;
  throw usageError(what, option, near === undefined || isOther ? `It is one of: ${ids.join(", ")}.` : `Did you mean ${near}?`);
}
