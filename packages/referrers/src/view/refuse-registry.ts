import { OcilotError } from "@ocilot/layout/spec";

/**
 * Refuses what only makes sense for a layout on disk.
 * @throws OcilotError `WRITE_REFUSED`
 */
export function refuseRegistry(
  { keepsEntries, location }: { readonly keepsEntries: boolean; readonly location: string },
  action: string,
  hint: string,
): void {
  if (!keepsEntries) throw new OcilotError("WRITE_REFUSED", `${location}: ${action}`, { reason: "registry" }, { hint });
}
