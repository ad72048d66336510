/** A device of Windows, whatever ending and spaces follow its name. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?= *(?:[.:]|$))/i;

/**
 * Tells whether Windows takes a file of that name, in any directory, for a device: `con`, `aux.json`, `nul .txt`.
 * @example
 * ```ts
 * import { isDeviceName } from "@ocilot/layout";
 *
 * console.log(isDeviceName("aux.json"), isDeviceName("auxiliary.json")); // true false
 * ```
 */
export function isDeviceName(name: string): boolean {
  return DEVICE.test(name);
}

/**
 * Returns one form for all names that some file system takes for the same: in other letters, or composed in another way.
 * @example
 * ```ts
 * import { foldFileName } from "@ocilot/layout";
 *
 * console.log(foldFileName("README") === foldFileName("readme")); // true: one file on Windows and macOS
 * ```
 */
export function foldFileName(name: string): string {
  return name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
}
