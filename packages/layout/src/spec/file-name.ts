/** A device of Windows, whatever ending and spaces follow its name. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?= *(?:[.:]|$))/i;

/** Tells whether Windows takes a file of that name, in any directory, for a device: `con`, `aux.json`, `nul .txt`. */
export function isDeviceName(name: string): boolean {
  return DEVICE.test(name);
}

/** Returns one form for all names that some file system takes for the same: in other letters, or composed in another way. */
export function foldFileName(name: string): string {
  return name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
}
