import { OcilotError, type Platform } from "@ocilot/layout/spec";

/** Spellings of architectures that are in use beside Go's, as containerd reads them. */
const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  i386: ["386"],
  i686: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};
const KNOWN_ARCHITECTURES: ReadonlySet<string> = new Set(
  "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm".split(" "),
);
const NAME = "[A-Za-z0-9_.-]+";
/** `os(version)` is containerd's spelling of an OS version, `:version` at the end that of cosign and crane. */
const FORM = new RegExp(
  `^(?<os>${NAME})(?:\\((?<inner>[A-Za-z0-9_.-]*)\\))?(?:/(?<architecture>${NAME})(?:/(?<variant>${NAME}))?)?(?::(?<outer>${NAME}))?$`,
);
const VERSION = /^\d+(?:\.\d+)+$/;

/**
 * Reads a platform in the spellings of containerd, Docker and cosign: `linux/arm/v7`, `windows(10.0.20348.2000)/amd64`,
 * `windows/amd64:10.0.20348.2000`, `windows/amd64/10.0.20348.2000`. Case and usual aliases (`x86_64`, `aarch64`, `macos`) are
 * normalized; an architecture alone is one of Linux.
 * @throws OcilotError `USAGE`
 * @example
 * ```ts
 * import { parsePlatform } from "@ocilot/referrers";
 *
 * console.log(parsePlatform("linux/arm64/v8"));
 * ```
 */
export function parsePlatform(text: string): Platform {
  const { os, inner, architecture, variant, outer } = FORM.exec(text)?.groups ?? {};
  const isAlone = os !== undefined && architecture === undefined && inner === undefined;
  const isArchitecture = isAlone && KNOWN_ARCHITECTURES.has(canonical(os).architecture);
  if (os === undefined || (architecture === undefined && !isArchitecture)) throw notPlatform(text);
  const isVersion = variant !== undefined && VERSION.test(variant);
  const versions = [inner, outer, isVersion ? variant : undefined].filter((v) => v !== undefined && v !== "");
  if (versions.length > 1) throw notPlatform(text);
  return normalizePlatform({
    os: isArchitecture ? "linux" : os,
    architecture: isArchitecture ? os : architecture!,
    ...(variant !== undefined && !isVersion && { variant }),
    ...(versions[0] !== undefined && { "os.version": versions[0] }),
  });
}

/** The platform in the spelling that Go uses: lower case, without aliases; members that say nothing are left out. */
export function normalizePlatform(p: Platform): Platform {
  const os = (p.os ?? "").toLowerCase();
  const { architecture, variant } = canonical(p.architecture ?? "", p.variant ?? "");
  const features = p["os.features"] ?? [];
  return {
    os: os === "macos" ? "darwin" : os,
    architecture,
    ...(variant !== "" && { variant }),
    ...(p["os.version"] && { "os.version": p["os.version"] }),
    ...(features.length > 0 && { "os.features": features }),
  };
}

function canonical(name: string, stated = ""): { architecture: string; variant: string } {
  const lower = name.toLowerCase();
  const [architecture, implied] = Object.hasOwn(ARCHITECTURES, lower) ? ARCHITECTURES[lower]! : [lower];
  const variant = implied ?? stated.toLowerCase();
  return { architecture, variant: /^\d+$/.test(variant) ? `v${variant}` : variant };
}

/**
 * A platform as text that {@link parsePlatform} reads: `linux/arm/v7`, `windows/amd64:10.0.20348.2000`; `unknown` for none.
 * @example
 * ```ts
 * import { formatPlatform } from "@ocilot/referrers";
 *
 * console.log(formatPlatform({ os: "linux", architecture: "arm64", variant: "v8" }));
 * ```
 */
export function formatPlatform(p: Platform | undefined): string {
  if (p === undefined) return "unknown";
  const version = p["os.version"];
  const text = [p.os, p.architecture, p.variant].filter((part) => part).join("/");
  return version ? `${text}:${version}` : text;
}

function notPlatform(text: string): OcilotError<"USAGE"> {
  return new OcilotError(
    "USAGE",
    `${JSON.stringify(text)} is not a platform`,
    { argument: text },
    { hint: "A platform looks like linux/amd64, linux/arm/v7 or windows/amd64:10.0.20348.2000." },
  );
}
