const PREFIX = "docker://";

/**
 * Tells whether a reference names a repository of a registry.
 * @example
 * ```ts
 * import { isRegistryReference } from "@ocilot/layout";
 *
 * console.log(isRegistryReference("docker://localhost:5000/app:v1"), isRegistryReference("./layout:v1")); // true false
 * ```
 */
export function isRegistryReference(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Returns the repository of a `docker://` reference, with its prefix, and what follows: `:tag`, `@digest`, both, or nothing.
 * @example
 * ```ts
 * import { splitRegistryReference } from "@ocilot/layout";
 *
 * const { path, rest } = splitRegistryReference("docker://localhost:5000/app:v1");
 * console.log(path, rest); // docker://localhost:5000/app :v1
 * ```
 */
export function splitRegistryReference(text: string): { path: string; rest: string } {
  const at = text.indexOf("@", PREFIX.length);
  const end = at < 0 ? text.length : at;
  const colon = text.lastIndexOf(":", end - 1);
  const isTag = colon > PREFIX.length && colon > text.lastIndexOf("/", end - 1) && text.indexOf("/", PREFIX.length) >= 0;
  const isShort = colon > PREFIX.length && text.indexOf("/", PREFIX.length) < 0;
  const split = isTag || isShort ? colon : end;
  return { path: text.slice(0, split), rest: text.slice(split) };
}
