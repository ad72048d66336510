import { sizeOf } from "./size.js";

/** For commands that read archives. */
export const archiveOption = {
  "max-size": {
    type: "string",
    placeholder: "SIZE",
    default: "64G",
    configurable: true,
    complete: "none",
    describe: "Refuse a compressed or piped archive that unpacks to more than this, such as 500M",
  },
} as const;

/** Returns `--max-size` in bytes. @throws OcilotError `USAGE` */
export function maxSizeOf(text: string): number {
  return sizeOf(text, "max-size");
}
