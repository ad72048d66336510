import { usageError } from "../usage-error.js";

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** For commands that read archives. */
export const archiveOption = {
  "max-size": {
    type: "string",
    placeholder: "SIZE",
    default: "64G",
    describe: "Refuse a compressed or piped archive that unpacks to more, like 500M",
  },
} as const;

/** `--max-size` in bytes. @throws OcilotError `USAGE` */
export function maxSizeOf(text: string): number {
  const match = /^(\d{1,12}(?:\.\d+)?)([kMGT]?)B?$/.exec(text);
  if (match !== null) return Math.floor(Number(match[1]) * UNITS[match[2]!]!);
  throw usageError(`--max-size is ${JSON.stringify(text)}, not a size`, "max-size", "Write it like 500M or 64G.");
}
