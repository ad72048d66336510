import { usageError } from "../usage-error.js";

/** For commands that write `index.json`. */
export const writeOptions = {
  wait: { type: "string", placeholder: "SECONDS", default: "30", describe: "How long to wait for another writer before exit 5" },
  "no-sync": { type: "boolean", default: false, describe: "Do not wait for the disk: faster, unsafe against a power cut" },
} as const;

/** `--wait` in milliseconds. @throws OcilotError `USAGE` */
export function waitOf(text: string): number {
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  throw usageError(`--wait is ${JSON.stringify(text)}, not a number of seconds`, "wait");
}
