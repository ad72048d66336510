import { UNSAFE } from "./printable.js";

/** Returns a document for programs that a person may read too: what a terminal could act on is escaped, the value unchanged. */
export function renderJson(value: unknown, indent = 2): string {
  return escapeJson(JSON.stringify(value, null, indent));
}

/** Returns JSON text in which every character that is not safe on a terminal is a `\u` escape. Line ends between tokens stay. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (c) => (c === "\n" ? c : [...unitsOf(c)].map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")));
}

function* unitsOf(text: string): Iterable<number> {
  for (let i = 0; i < text.length; i++) yield text.charCodeAt(i);
}
