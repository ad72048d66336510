import { CONVENTIONS, type Convention, type Detection, type LayoutView } from "@ocilot/referrers";

/** A convention and what of it there is in a layout. */
export interface Detected {
  readonly convention: Convention;
  readonly detection: Detection;
}

/** Asks every convention what of it there is. */
export async function detectAll(view: LayoutView): Promise<Detected[]> {
  return await Promise.all(CONVENTIONS.map(async (convention) => ({ convention, detection: await convention.detect(view) })));
}

/** The conventions that a layout speaks. */
export function spoken(detected: readonly Detected[]): Detected[] {
  return detected.filter(({ detection }) => detection.entries.length + detection.flags.length > 0);
}
