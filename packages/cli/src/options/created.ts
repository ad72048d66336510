import { usageError } from "../command-line/usage-error.js";

/** When an artifact was made; recorded only on request, so that the digest depends on the input alone. */
export const createdOption = {
  created: {
    type: "string",
    placeholder: "TIME",
    complete: "none",
    describe: "Record a creation time, RFC 3339 (default: SOURCE_DATE_EPOCH if set, else none)",
  },
} as const;

/** Returns the creation time to record. @throws OcilotError `USAGE` */
export function createdOf(text: string | undefined, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (text !== undefined) {
    if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
    throw usageError(`--created ${JSON.stringify(text)} is not an RFC 3339 time`, "created", "Write it like 2026-01-31T12:00:00Z.");
  }
  const epoch = env["SOURCE_DATE_EPOCH"];
  if (epoch === undefined || epoch === "") return undefined;
  if (/^\d{1,12}$/.test(epoch)) return new Date(Number(epoch) * 1000).toISOString().replace(".000Z", "Z");
  throw usageError(`SOURCE_DATE_EPOCH is ${JSON.stringify(epoch)}, not a number of seconds`, "created");
}
