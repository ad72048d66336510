import { OcilotError } from "../errors.js";

/** What is wrong with a tar as a tar. `member` is the name as it stands in the archive, `offset` where its header begins. */
export function archiveInvalid(
  archive: string,
  reason: string,
  where: { member?: string; offset?: number; cause?: unknown; hint?: string } = {},
): OcilotError<"ARCHIVE_INVALID"> {
  const { member, offset, cause, hint = "Fetch the archive again from where it came from." } = where;
  const place = member === undefined ? (offset === undefined ? "" : `byte ${offset}: `) : `member ${shown(member)}: `;
  return new OcilotError(
    "ARCHIVE_INVALID",
    `${archive}: ${place}${reason}`,
    { archive, reason, ...(member !== undefined && { member }), ...(offset !== undefined && { offset }) },
    { hint, ...(cause !== undefined && { cause }) },
  );
}

export function overLimit(archive: string, what: string, limit: number, found: number, hint: string): OcilotError<"LIMIT_EXCEEDED"> {
  return new OcilotError("LIMIT_EXCEEDED", `${archive}: ${what} over the limit of ${limit}`, { what, limit, found }, { hint });
}

/** Nothing is ever written into an archive. */
export function refuseWrite(archive: string): never {
  throw new OcilotError(
    "WRITE_REFUSED",
    `${archive} is an archive; ocilot only reads archives and writes new ones`,
    { reason: "archive", file: archive },
    { hint: "Write the result to a new layout with --output, or unpack it first: ocilot copy --all ARCHIVE DIR" },
  );
}

/** A member's name for a message: hostile ones are long, and hold what a terminal would act on. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}
