/** A document for programs that a person may read too. */
export function renderJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
