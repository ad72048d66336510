// Writes what the bundle says about the packages inside it: their licence texts, and a bill of materials (CycloneDX 1.6). Both are made
// from the modules that the bundler put in, so a new dependency cannot be forgotten.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LICENCE_FILE = /^(?:licen[cs]e|copying)(?:[.-].*)?$/i;
const NOTICE_FILE = /^notice(?:\..*)?$/i;

/** Returns the package below `node_modules` that a module belongs to, or undefined for a module of this repository. */
function packageDirectory(module) {
  const path = module.replaceAll("\\", "/").replace(/^\0/, "").replace(/\?.*$/, "");
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

function describe(directory) {
  const { name, version, license, homepage } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const texts = (pattern) =>
    readdirSync(directory)
      .filter((file) => pattern.test(file))
      .toSorted()
      .map((file) => readFileSync(join(directory, file), "utf8").replaceAll("\r\n", "\n").trim());
  const licences = texts(LICENCE_FILE);
  if (typeof license !== "string") throw new Error(`${name}@${version}: package.json states no licence`);
  if (licences.length === 0) throw new Error(`${name}@${version} is bundled and has no licence text in ${directory}`);
  return { name, version, license, homepage, text: [...licences, ...texts(NOTICE_FILE)].join("\n\n") };
}

/** Returns the packages that the chunks of a bundle consist of, sorted by name. */
export function bundledPackages(output) {
  const modules = output.flatMap((chunk) => Object.keys(chunk.modules ?? {}));
  const directories = new Set(modules.map(packageDirectory).filter((d) => d !== undefined && existsSync(join(d, "package.json"))));
  const found = new Map([...directories].map((d) => describe(d)).map((p) => [`${p.name}@${p.version}`, p]));
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** Returns the licence texts of packages as one document. */
export function licenceTexts(packages) {
  const parts = packages.map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}\n`);
  return ["The program ocilot contains the following packages.\n", ...parts].join(`\n${"-".repeat(80)}\n\n`);
}

const purl = (name, version) => `pkg:npm/${name.replace("@", "%40")}@${version}`;

/** Returns the bill of materials of the program as CycloneDX 1.6. It states no time and no serial number: the same build gives the same bytes. */
export function billOfMaterials(version, license, packages) {
  const self = purl("ocilot", version);
  const components = packages.map((p) => ({
    type: "library",
    "bom-ref": purl(p.name, p.version),
    name: p.name,
    version: p.version,
    scope: "required",
    licenses: [/[ ()]/.test(p.license) ? { expression: p.license } : { license: { id: p.license } }],
    purl: purl(p.name, p.version),
    ...(p.homepage && { externalReferences: [{ type: "website", url: p.homepage }] }),
  }));
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: { type: "application", "bom-ref": self, name: "ocilot", version, licenses: [{ license: { id: license } }], purl: self },
    },
    components,
    dependencies: [{ ref: self, dependsOn: components.map((c) => c.purl) }, ...components.map((c) => ({ ref: c.purl }))],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Writes both files into a directory. */
export function writeThirdParty(directory, output, { version, license }) {
  const packages = bundledPackages(output);
  writeFileSync(join(directory, "THIRD-PARTY-LICENSES.txt"), licenceTexts(packages));
  writeFileSync(join(directory, "sbom.cdx.json"), billOfMaterials(version, license, packages));
}
