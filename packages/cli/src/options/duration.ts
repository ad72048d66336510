import { usageError } from "../command-line/usage-error.js";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Returns `30s`, `10m`, `2h`, `1d` in milliseconds. @throws OcilotError `USAGE` */
export function durationOf(text: string, option: string): number {
  const match = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match !== null) return Number(match[1]) * UNITS[match[2]!]!;
  throw usageError(`--${option} is ${JSON.stringify(text)}, not a time`, option, "Write it like 30s, 10m, 2h or 1d.");
}
