import { OcilotError, type Platform } from "@ocilot/layout/spec";

/**
 * Reads `os/architecture[/variant]`, as `--platform` takes it.
 * @throws OcilotError `USAGE`
 */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split("/");
  if (os && architecture && rest.length === 0 && variant !== "") return { os, architecture, ...(variant !== undefined && { variant }) };
  throw new OcilotError(
    "USAGE",
    `${JSON.stringify(text)} is not a platform`,
    { argument: text },
    { hint: "A platform looks like linux/amd64 or linux/arm/v7." },
  );
}

/** The same text again; `unknown` stands for what the descriptor leaves out. */
export function formatPlatform(p: Platform | undefined): string {
  if (p === undefined) return "unknown";
  return [p.os, p.architecture, p.variant].filter((part) => part !== undefined && part !== "").join("/");
}

/** Tells whether a manifest for `offered` serves `wanted`; a variant counts only where it was asked for. */
export function matchesPlatform(offered: Platform | undefined, wanted: Platform): boolean {
  if (offered?.os !== wanted.os || offered.architecture !== wanted.architecture) return false;
  return (
    wanted.variant === undefined ||
    offered.variant === wanted.variant ||
    (wanted.architecture === "arm64" && wanted.variant === "v8" && offered.variant === undefined)
  );
}
