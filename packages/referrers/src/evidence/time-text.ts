/** RFC 3339 of seconds since 1970; undefined for what is no such number, or none of this or the next centuries. */
export function secondsText(seconds: string | number | undefined): string | undefined {
  const value = typeof seconds === "string" && /^\d{1,12}$/.test(seconds) ? Number(seconds) : seconds;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value <= 0 || value > 32_503_680_000) return undefined;
  return new Date(value * 1000).toISOString().replace(".000Z", "Z");
}
