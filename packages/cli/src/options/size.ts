import { usageError } from "../command-line/usage-error.js";

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** Returns `500M` or `64G` in bytes. @throws OcilotError `USAGE` */
export function sizeOf(text: string, option: string): number {
  const match = /^(\d{1,12}(?:\.\d+)?)([kMGT]?)B?$/.exec(text);
  if (match !== null) return Math.floor(Number(match[1]) * UNITS[match[2]!]!);
  throw usageError(`--${option} is ${JSON.stringify(text)}, not a size`, option, "Write it like 500M or 64G.");
}
