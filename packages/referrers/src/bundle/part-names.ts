/** The suffix of a tar, compressed or not. */
const SUFFIX = /(?:\.tar|\.tar\.gz|\.tgz|\.tar\.zst|\.tzst)$/i;

/**
 * A file name without the suffix of a tar, and that suffix; `.tar` where it has none.
 * @example
 * ```ts
 * import { splitTarName } from "@ocilot/referrers";
 *
 * console.log(splitTarName("images.tar.gz")); // { base: "images", suffix: ".tar.gz" }
 * ```
 */
export function splitTarName(name: string): { base: string; suffix: string } {
  const suffix = SUFFIX.exec(name)?.[0];
  return suffix === undefined ? { base: name, suffix: ".tar" } : { base: name.slice(0, -suffix.length), suffix };
}

/**
 * Returns `NAME.part-003-of-011.tar`. Numbers have at least three digits, so that names sort.
 * @example
 * ```ts
 * import { partName } from "@ocilot/referrers";
 *
 * console.log(partName("images.tar", 3, 11)); // images.part-003-of-011.tar
 * ```
 */
export function partName(name: string, number: number, count: number): string {
  const { base, suffix } = splitTarName(name);
  const digits = Math.max(3, String(count).length);
  return `${base}.part-${String(number).padStart(digits, "0")}-of-${String(count).padStart(digits, "0")}${suffix}`;
}

/**
 * Tells whether `file` is named like a part of `name`, of whatever set.
 * @example
 * ```ts
 * import { isPartOf } from "@ocilot/referrers";
 *
 * console.log(isPartOf("images.tar", "images.part-003-of-011.tar")); // true
 * ```
 */
export function isPartOf(name: string, file: string): boolean {
  const { base } = splitTarName(name);
  return file.startsWith(`${base}.part-`) && /^\d{3,}-of-\d{3,}\.(?:tar|tar\.gz|tgz|tar\.zst|tzst)$/i.test(file.slice(base.length + 6));
}

/**
 * Returns the name that the parts of a set have in common.
 * @example
 * ```ts
 * import { commonName } from "@ocilot/referrers";
 *
 * console.log(commonName("images.part-003-of-011.tar")); // images.tar
 * ```
 */
export function commonName(file: string): string {
  return file.replace(/\.part-\d{3,}-of-\d{3,}(?=\.[a-z.]+$)/i, "");
}

/** The name of the file of checksums beside the parts. */
export function checksumName(name: string): string {
  return `${splitTarName(name).base}.sha256`;
}
