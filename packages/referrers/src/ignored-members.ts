import type { ManifestKind } from "@ocilot/layout/spec";

/** Members that early proposals for referrers put into manifests; no released reader looks at them. */
export const PROPOSED_MEMBERS: readonly string[] = ["reference", "data"];

/**
 * The members of a manifest that once meant, or seem to mean, a link and that nobody follows: those of early proposals,
 * and `subject` on a Docker manifest, where it is not defined. The bytes must be those of a manifest that parses.
 */
export function ignoredMembers(bytes: Uint8Array, kind: ManifestKind): readonly string[] {
  const names = kind.startsWith("docker") ? [...PROPOSED_MEMBERS, "subject"] : PROPOSED_MEMBERS;
  const text = new TextDecoder().decode(bytes);
  // Nearly no manifest has any, and a search is much cheaper than parsing each a second time.
  const hinted = names.filter((name) => text.includes(`"${name}"`));
  if (hinted.length === 0) return [];
  const json = JSON.parse(text) as Record<string, unknown>;
  return hinted.filter((name) => Object.hasOwn(json, name) && json[name] !== null);
}
