import { OcilotError } from "../errors.js";
import { shellWord } from "../filesystem/shell-word.js";

/** Returns the error for an invalid tar. `member` is the name as written in the archive, `offset` where its header begins, in bytes. */
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

/** Returns the error for an archive that is over a limit. */
export function overLimit(archive: string, what: string, limit: number, found: number, hint: string): OcilotError<"LIMIT_EXCEEDED"> {
  return new OcilotError("LIMIT_EXCEEDED", `${archive}: ${what} over the limit of ${limit}`, { what, limit, found }, { hint });
}

/** Refuses to change an archive. @throws OcilotError `WRITE_REFUSED` */
export function refuseWrite(archive: string): never {
  throw new OcilotError(
    "WRITE_REFUSED",
    `${archive} is an archive; ocilot only reads archives and writes new ones`,
    { reason: "archive", file: archive },
    {
      hint: `Write the result to a new layout with --output, or unpack the archive first: ocilot copy --all ${shellWord(archive)} NEW-DIRECTORY`,
    },
  );
}

/** Returns a member's name for a message: shortened, and quoted so that control characters are visible. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}
