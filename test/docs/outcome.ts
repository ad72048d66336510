import { readFileSync, readdirSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { type Layout, digestOf, openLayout } from "@ocilot/layout";
import type { TestRegistry } from "@ocilot/testkit";

/** What is in a directory or in registries: each file, layout and repository by its name, with the lines that describe it. */
export type Scene = ReadonlyMap<string, readonly string[]>;

/** The longest text that is shown as it is, in bytes. */
const SHOWN_BYTES = 800;
const STARTS_HTML = /^<!doctype html>/i;

/** Describes every file below a directory; a layout, in a directory or in a tar, as its index entries and blobs. */
export async function sceneOf(directory: string): Promise<Scene> {
  const scene = new Map<string, readonly string[]>();
  const visit = async (path: string): Promise<void> => {
    const files = readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const name = `${relative(directory, path) || "."}/`;
    const isLayout = files.some((file) => file.name === "oci-layout");
    if (isLayout) scene.set(name, ["a layout", ...(await linesOfLayout(path)), ...linesOfBlobs(path)]);
    for (const file of files) {
      const below = join(path, file.name);
      if (isLayout && ["oci-layout", "index.json", "blobs"].includes(file.name)) continue;
      if (file.name === ".ocilot-bundles") scene.set(`${relative(directory, below)}/`, ["parts of bundles that have arrived"]);
      else if (file.isDirectory()) await visit(below);
      else scene.set(relative(directory, below), await linesOfFile(below));
    }
  };
  await visit(directory);
  return scene;
}

/** Describes the repositories of test registries; `names` are the names that pages give the registries. */
export function sceneOfRegistries(registries: ReadonlyMap<string, TestRegistry>): Scene {
  const scene = new Map<string, readonly string[]>();
  for (const [host, registry] of registries)
    for (const name of repositoriesOf(registry)) {
      const { tags, manifests, blobs } = registry.repository(name);
      if (manifests.size + blobs.size === 0) continue;
      const lines = [...tags].map(([tag, digest]) => `tag ${tag} ${digest}`).toSorted();
      scene.set(`docker://${host}/${name}`, ["a repository", ...lines, `${manifests.size} manifests, ${blobs.size} blobs`]);
    }
  return scene;
}

/** The repositories that requests have named. */
export function repositoriesOf(registry: TestRegistry): string[] {
  const names = registry.log.requests.flatMap(({ path }) => /^\/v2\/(.+)\/(?:manifests|blobs|referrers|tags)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].toSorted();
}

/** Returns what differs between two scenes, as lines that begin with `+` or `-`, below the name of what they belong to. */
export function changesBetween(before: Scene, after: Scene): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return names.flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    if (old === undefined) return [`+ ${name}: ${now![0]}`, ...shortened(now!.slice(1)).map((line) => `+   ${line}`)];
    if (now === undefined) return [`- ${name}`];
    const gone = old.filter((line) => !now.includes(line)).map((line) => `-   ${line}`);
    const come = now.filter((line) => !old.includes(line)).map((line) => `+   ${line}`);
    return gone.length + come.length === 0 ? [] : [`  ${name}`, ...gone, ...come];
  });
}

/** The lines with a number in the place of all that name a whole blob. */
function shortened(lines: readonly string[]): string[] {
  const others = lines.filter((line) => !/^blob \S+$/.test(line));
  const blobs = lines.length - others.length;
  return blobs === 0 ? others : [...others, `${blobs} blobs`];
}

async function linesOfLayout(path: string): Promise<string[]> {
  const layout: Layout = await openLayout(path);
  try {
    const { entries, annotations } = await layout.index.read();
    const lines = entries.map(({ descriptor, tag }) => {
      const type = descriptor.artifactType ?? descriptor.mediaType.replace(/^application\/vnd\.oci\.image\.(\w+)\.v1\+json$/, "$1");
      const keys = Object.keys(descriptor.annotations ?? {}).filter((key) => !key.startsWith("org.opencontainers.image.ref"));
      return [descriptor.digest, type, ...(tag === undefined ? [] : [`tag ${tag}`]), ...keys.toSorted()].join("  ");
    });
    return [...lines, ...Object.entries(annotations).map(([key, value]) => `annotation ${key}: ${value}`)];
  } finally {
    await layout.close();
  }
}

/** Blobs by name, with whether the name is the digest of the content. */
function linesOfBlobs(path: string): string[] {
  return readdirSync(join(path, "blobs"), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => {
      const bytes = readFileSync(join(file.parentPath, file.name));
      const isWhole = digestOf(bytes) === `${basename(file.parentPath)}:${file.name}`;
      return `blob ${basename(file.parentPath)}:${file.name}${isWhole ? "" : " (corrupt)"}`;
    })
    .toSorted();
}

async function linesOfFile(path: string): Promise<string[]> {
  const bytes = readFileSync(path);
  if (path.endsWith(".tar")) {
    const lines = await linesOfLayout(path).catch(() => undefined);
    return lines === undefined ? ["a part of a bundle"] : ["a layout in a tar", ...lines];
  }
  const text = bytes.toString("utf8");
  if (text.includes("\uFFFD")) return [`bytes of ${digestOf(bytes)}`];
  const lines = text.trimEnd().split("\n");
  if (STARTS_HTML.test(text)) return [`a page, ${/<title>(.*?)<\/title>/.exec(text)?.[1]}`];
  if (bytes.length <= SHOWN_BYTES) return ["text", ...lines];
  if (path.endsWith(".json")) return [`JSON of ${Object.keys(JSON.parse(text) as object).join(", ")}`];
  return ["text that begins", ...lines.slice(0, 4)];
}
