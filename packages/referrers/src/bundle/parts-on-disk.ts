import { lstat, readFile, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcilotError, ioError } from "@ocilot/layout";
import type { BundleDocument } from "./bundle-document.js";
import { openBundle } from "./open-bundle.js";
import { checksumName, isPartOf } from "./part-names.js";
import type { BundlePlan } from "./plan-bundle.js";

/** Tells whether parts are there that a killed run of the same plan has renamed before it wrote the checksums. */
export async function isUnfinishedSet({ content, set }: BundlePlan, path: string): Promise<boolean> {
  const directory = dirname(path);
  const isThere = async (name: string): Promise<boolean> =>
    await lstat(join(directory, name)).then(
      () => true,
      () => false,
    );
  if (await isThere(checksumName(basename(path)))) return false;
  for (const { name } of content.parts) if ((await isThere(name)) && (await documentIn(join(directory, name)))?.set !== set) return false;
  return true;
}

/** What a part says of its set; undefined for a file that is damaged or no part. */
async function documentIn(path: string): Promise<BundleDocument | undefined> {
  try {
    const { layout, document } = await openBundle(path);
    await layout.close();
    return document;
  } catch {
    return undefined;
  }
}

/** One part alone is of use only with the others: it must be of their set. What is damaged among them says nothing. */
export async function refuseOtherSet({ content, set }: BundlePlan, path: string, only: number): Promise<void> {
  const directory = dirname(path);
  const own = new Set(content.parts.slice(only - 1, only).map((p) => p.name));
  for (const name of await staleParts(directory, basename(path), own)) {
    const document = await documentIn(join(directory, name));
    if (document === undefined || document.set === set) continue;
    const differences = [
      ...(document.receipt === content.receipt ? [] : ["the content"]),
      ...(document.created === content.created ? [] : [`the date (${document.created ?? "none"}, now ${content.created ?? "none"})`]),
      ...(document.since.join() === content.since.join() ? [] : ["what --since leaves out"]),
      ...(document.parts.length === content.parts.length
        ? []
        : [`the number of parts (${document.parts.length}, now ${content.parts.length})`]),
    ];
    const what = differences.length === 0 ? "how the parts are divided or named" : differences.join(", ");
    throw otherSet(join(directory, name), `is a part of another set; different: ${what}`);
  }
  const checksums = join(directory, checksumName(basename(path)));
  const listed = [...(await checksumsIn(checksums)).keys()];
  if (listed.length > 0 && (listed.length !== content.parts.length || content.parts.some((p, i) => p.name !== listed[i])))
    throw otherSet(checksums, `is of another set; different: the number of parts (${listed.length}, now ${content.parts.length})`);
}

/** Uncompressed, the same set has the same bytes; compressed, they depend on the version of the codec. */
export async function refuseOtherChecksum(path: string, name: string, checksum: string): Promise<void> {
  const checksums = join(dirname(path), checksumName(basename(path)));
  const listed = (await checksumsIn(checksums)).get(name);
  if (listed !== undefined && listed !== checksum) throw otherSet(checksums, `is of another set; different: the checksum of ${name}`);
}

/** The checksums of a file for `sha256sum -c`, by name; none if it is not there. */
async function checksumsIn(path: string): Promise<Map<string, string>> {
  const text = await readFile(path, "utf8").catch(() => "");
  return new Map(Array.from(text.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm), ([, checksum, name]) => [name!, checksum!]));
}

function otherSet(path: string, what: string): OcilotError<"WRITE_REFUSED"> {
  return new OcilotError(
    "WRITE_REFUSED",
    `${path} ${what}`,
    { reason: "other-set", file: path },
    {
      hint: "Give the sources, --since, --split and --created that the other parts were made with, or make all parts again without --only-part.",
    },
  );
}

export async function staleParts(directory: string, name: string, own: ReadonlySet<string>): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((file) => isPartOf(name, file) && !own.has(file)).toSorted();
  } catch (error) {
    throw ioError(error, directory);
  }
}

export function staleSet(path: string, count: number): OcilotError<"OUTPUT_EXISTS"> {
  return new OcilotError(
    "OUTPUT_EXISTS",
    `${path}${count > 1 ? ` and ${count - 1} more` : ""} belong to another set of parts with the same name`,
    { path },
    { hint: "Choose another name, or remove them with --force." },
  );
}
