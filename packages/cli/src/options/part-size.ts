import { sizeOf } from "./size.js";

/** Media by name, in bytes: a single-layer DVD, and the largest file of FAT32. */
const MEDIA: Readonly<Record<string, number>> = {
  dvd: 4_700_000_000,
  "dvd-dl": 8_500_000_000,
  bd: 25_000_000_000,
  cd: 700_000_000,
  fat32: 2 ** 32 - 1,
};

/** Returns `--split` in bytes: a size or the name of a medium. @throws OcilotError `USAGE` */
export function partSizeOf(text: string): number {
  return MEDIA[text.toLowerCase()] ?? sizeOf(text, "split");
}
