import { usageError } from "../command-line/usage-error.js";

/** For commands that write `index.json`. */
export const writeOptions = {
  wait: {
    type: "string",
    placeholder: "SECONDS",
    default: "30",
    configurable: true,
    complete: "none",
    group: "Writing",
    describe: "How long to wait for another writer before exit 5",
  },
  "no-sync": {
    type: "boolean",
    configurable: true,
    group: "Writing",
    describe: "Skip fsync: faster, but data may be lost on power failure",
  },
} as const;

/** Returns `--wait` in milliseconds. @throws OcilotError `USAGE` */
export function waitOf(text: string): number {
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  throw usageError(`--wait is ${JSON.stringify(text)}, not a number of seconds`, "wait");
}
