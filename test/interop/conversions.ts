import { Layout, isOcilotError } from "@ocilot/layout";
import { type ConversionOptions, type Plan, convert } from "@ocilot/referrers";

/** Converts a layout in place, by the library. Undefined where the conversion is refused, which changes nothing. */
export async function convertTo(path: string, to: ConversionOptions["to"], options: { only?: boolean } = {}): Promise<Plan | undefined> {
  try {
    return (await convert(await Layout.open(path, { sync: false }), { to, ...options })).plan;
  } catch (error) {
    if (isOcilotError(error) && error.code === "CONVERSION_REFUSED") return undefined;
    throw error;
  }
}
