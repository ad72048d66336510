import { isOcilotError } from "@ocilot/layout/web";
import { type Finding, finding } from "./finding.js";

/**
 * Returns the finding for a layout that cannot be opened; undefined for errors that say nothing about the layout's files.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { fileError } from "@ocilot/referrers";
 *
 * const opened = await Layout.open("./layout").catch((error: unknown) => fileError(error) ?? Promise.reject(error));
 * console.log("code" in opened ? opened.message : opened.location);
 * ```
 */
export function fileError(error: unknown): Finding | undefined {
  if (!isOcilotError(error, "LAYOUT_INVALID", "LIMIT_EXCEEDED", "LINK_OUTSIDE", "IO_ERROR", "ACCESS_DENIED")) return undefined;
  const { file = "index.json", path } = error.details as Partial<Record<"file" | "path", string>>;
  const isFileSystem = error.code === "IO_ERROR" || error.code === "ACCESS_DENIED";
  if (isFileSystem && path !== "index.json" && path !== "oci-layout") return undefined;
  const steps = [{ kind: "file" as const, file: isFileSystem ? path! : file }];
  if (error.code === "ACCESS_DENIED") return finding("ACCESS_DENIED", { steps, message: error.message, fix: error.hint ?? "" });
  // To copy onto a link would write where it leads.
  const hasHint = error.code === "IO_ERROR" || error.code === "LINK_OUTSIDE";
  const fix = hasHint ? (error.hint ?? "") : `cp OTHER/${file} LAYOUT/${file}`;
  return finding("UNREADABLE", { steps, message: error.message, fix });
}
