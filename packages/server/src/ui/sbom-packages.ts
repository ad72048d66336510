import { isRecord } from "@ocilot/layout";
import type { PackageModel } from "./layout-model.js";

/** Packages of one SBOM beyond this number are counted and not listed. */
const MAX_PACKAGES = 20_000;
/** Characters of a name, a version or a license. */
const MAX_TEXT = 500;

/** The packages of a document. */
export interface FoundPackages {
  readonly packages: readonly PackageModel[];
  readonly leftOut: number;
}

/**
 * Returns the packages that an SBOM lists; undefined if the document is neither SPDX (2 or 3) nor CycloneDX in JSON. Components of
 * components are found too. Pure; every text is as long as it may be shown.
 * @see https://spdx.github.io/spdx-spec/
 * @see https://cyclonedx.org/docs/1.6/json/
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { sbomPackages } from "@ocilot/server";
 *
 * const found = sbomPackages(JSON.parse(await readFile("./sbom.spdx.json", "utf8")));
 * console.log(found?.packages.map(({ name, version }) => `${name} ${version}`));
 * ```
 */
export function sbomPackages(document: unknown): FoundPackages | undefined {
  if (!isRecord(document)) return undefined;
  if (typeof document["spdxVersion"] === "string") return limited(records(document["packages"]).flatMap(spdxPackage));
  if (document["bomFormat"] === "CycloneDX") return limited(componentsOf(document["components"]).flatMap(component));
  if (Array.isArray(document["@graph"])) {
    return limited(
      records(document["@graph"])
        .filter((e) => e["type"] === "software_Package")
        .flatMap(spdx3Package),
    );
  }
  return undefined;
}

function limited(packages: readonly PackageModel[]): FoundPackages {
  return { packages: packages.slice(0, MAX_PACKAGES), leftOut: Math.max(0, packages.length - MAX_PACKAGES) };
}

type Fields = Readonly<Record<string, unknown>>;

function spdxPackage(p: Fields): PackageModel[] {
  const purl = records(p["externalRefs"]).find((ref) => ref["referenceType"] === "purl")?.["referenceLocator"];
  const license = [p["licenseConcluded"], p["licenseDeclared"]].find((l) => isText(l) && l !== "NOASSERTION" && l !== "NONE");
  return packageOf(p["name"], { version: p["versionInfo"], license, purl });
}

function spdx3Package(p: Fields): PackageModel[] {
  return packageOf(p["name"], { version: p["software_packageVersion"], purl: p["software_packageUrl"] });
}

/** Without recursion: components may be nested as deep as JSON allows. */
function componentsOf(list: unknown): Fields[] {
  const found: Fields[] = [];
  const waiting = records(list).toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    found.push(next);
    for (const child of records(next["components"]).toReversed()) waiting.push(child);
  }
  return found;
}

function component(c: Fields): PackageModel[] {
  const group = c["group"];
  const name = isText(group) && isText(c["name"]) ? `${group}/${c["name"]}` : c["name"];
  return packageOf(name, { version: c["version"], license: licensesOf(c["licenses"]), purl: c["purl"] });
}

function licensesOf(list: unknown): string | undefined {
  const names = records(list).flatMap((choice) => {
    const license = choice["license"];
    const name = isRecord(license) ? (license["id"] ?? license["name"]) : choice["expression"];
    return isText(name) ? name : [];
  });
  return names.length === 0 ? undefined : names.join(" AND ");
}

function packageOf(name: unknown, { version, license, purl }: { version?: unknown; license?: unknown; purl?: unknown }): PackageModel[] {
  if (!isText(name)) return [];
  return [
    {
      name: short(name),
      ...(isText(version) && { version: short(version) }),
      ...(isText(license) && { license: short(license) }),
      ...(isText(purl) && { purl: short(purl) }),
    },
  ];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function short(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function records(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter((item): item is Fields => isRecord(item)) : [];
}
