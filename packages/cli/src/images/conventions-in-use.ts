import { CONVENTIONS, type Convention, type Detection, type LayoutView } from "@ocilot/referrers";

/** A convention and its entries in a layout. */
export interface Detected {
  readonly convention: Convention;
  readonly detection: Detection;
}

/** Returns what each convention finds of its own in a layout. */
export async function detectAll(view: LayoutView): Promise<Detected[]> {
  return await Promise.all(CONVENTIONS.map(async (convention) => ({ convention, detection: await convention.detect(view) })));
}

/** Returns the conventions that are in use in a layout. */
export function inUse(detected: readonly Detected[]): Detected[] {
  return detected.filter(({ detection }) => detection.entries.length + detection.flags.length > 0);
}
