/** A JSON object, as opposed to an array or a scalar. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns `value` if it is an object of strings, else throws what `fail` makes of the reason. */
export function stringMap(value: unknown, fail: (reason: string) => Error): Readonly<Record<string, string>> {
  if (!isRecord(value)) throw fail("is not an object");
  for (const key of Object.keys(value)) {
    if (typeof value[key] !== "string") throw fail(`has a value under ${JSON.stringify(key)} that is not a string`);
  }
  return value as Record<string, string>;
}
