import type { Platform } from "@ocilot/layout/spec";
import { normalizePlatform } from "./parse-platform.js";

/** The variant that an architecture has where none is stated. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { arm: "v7", arm64: "v8", amd64: "v1" };

/**
 * Returns whether an image for `offered` fits the request `wanted`. A variant, an OS version and OS features count only where
 * they are requested; a version may be shortened at a dot (`10.0.20348`).
 * @example
 * ```ts
 * import { matchesPlatform, parsePlatform } from "@ocilot/referrers";
 *
 * console.log(matchesPlatform({ os: "linux", architecture: "amd64" }, parsePlatform("linux/amd64")));
 * ```
 */
export function matchesPlatform(offered: Platform | undefined, wanted: Platform): boolean {
  if (offered === undefined) return false;
  const [has, asked] = [normalizePlatform(offered), normalizePlatform(wanted)];
  if (has.os !== asked.os || has.architecture !== asked.architecture) return false;
  const version = asked["os.version"];
  const features = has["os.features"] ?? [];
  return (
    (asked.variant === undefined || variantOf(has) === variantOf(asked)) &&
    (version === undefined || `${has["os.version"] ?? ""}.`.startsWith(`${version}.`)) &&
    (asked["os.features"] ?? []).every((feature) => features.includes(feature))
  );
}

/** Returns whether two platforms state the same variant and OS version, or both none. */
export function isSamePlatform(a: Platform, b: Platform): boolean {
  const [left, right] = [normalizePlatform(a), normalizePlatform(b)];
  return matchesPlatform(a, b) && left.variant === right.variant && left["os.version"] === right["os.version"];
}

function variantOf({ architecture, variant }: Platform): string | undefined {
  return variant ?? DEFAULT_VARIANTS[architecture];
}
