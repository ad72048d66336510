/** A value that canonical JSON can say. */
export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue | undefined };

/**
 * The one text of a value: no white space, members sorted by UTF-16 units, strings and numbers as ECMAScript writes
 * them. A member that is undefined is left out.
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: CanonicalValue): string {
  if (typeof value === "string") return JSON.stringify(value.toWellFormed());
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly CanonicalValue[]).map(canonicalJson).join(",")}]`;
  const members = Object.entries(value as Readonly<Record<string, CanonicalValue | undefined>>).filter(([, v]) => v !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([key, v]) => `${JSON.stringify(key.toWellFormed())}:${canonicalJson(v!)}`).join(",")}}`;
}
