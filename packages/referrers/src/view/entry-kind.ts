import { CONTAINERD_IMAGE_NAME, type IndexEntry, KIND } from "@ocilot/layout/spec";

/** What a `kind` annotation says of its entry, and whose word it is. */
export interface Kind {
  readonly family: "cosign-save" | "hauler";
  /** What stands before the role; hauler wrote cosign's prefix at first. */
  readonly prefix: typeof COSIGN_PREFIX | typeof HAULER_PREFIX;
  /** `image` and `imageIndex` are what others belong to; `sigs`, `atts`, `sboms` and `referrers/…` belong to it. */
  readonly role: string;
}

export const COSIGN_PREFIX = "dev.cosignproject.cosign/";
export const HAULER_PREFIX = "dev.hauler/";
const REFERRERS = "referrers/";

/**
 * Reads the `kind` of an entry; undefined where it has none, or one of somebody else's. Under cosign's prefix it is
 * hauler's if the entry has both of hauler's names, or a role that cosign does not have.
 */
export function entryKind({ descriptor, tag }: IndexEntry): Kind | undefined {
  const value = descriptor.annotations?.[KIND];
  if (value === undefined) return undefined;
  if (value.startsWith(HAULER_PREFIX)) return { family: "hauler", prefix: HAULER_PREFIX, role: value.slice(HAULER_PREFIX.length) };
  if (!value.startsWith(COSIGN_PREFIX)) return undefined;
  const role = value.slice(COSIGN_PREFIX.length);
  const isHauler = role.startsWith(REFERRERS) || (tag !== undefined && descriptor.annotations?.[CONTAINERD_IMAGE_NAME] !== undefined);
  return { family: isHauler ? "hauler" : "cosign-save", prefix: COSIGN_PREFIX, role };
}

/** Tells whether others can belong to an entry of that role. */
export function isParentRole(role: string): boolean {
  return role === "image" || role === "imageIndex";
}

/** Tells whether the role is hauler's for a referrer that has a subject. */
export function isReferrerRole(role: string): boolean {
  return role.startsWith(REFERRERS);
}

/** hauler's role for a referrer that has a subject. */
export function referrerRole(encoded: string): string {
  return REFERRERS + encoded;
}
