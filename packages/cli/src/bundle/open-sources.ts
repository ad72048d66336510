import { statSync } from "node:fs";
import { join } from "node:path";
import { type Layout, OcilotError, parseReference, splitRegistryReference } from "@ocilot/layout";
import { type BundleSource, matchesGlob, parsePlatform } from "@ocilot/referrers";
import type { RegistrySession } from "@ocilot/registry";
import { usageError } from "../command-line/usage-error.js";
import { type OpenOptions, openReference } from "../reference/open-layout.js";
import { isDirectory } from "../reference/is-directory.js";
import { exactReference, resolveIn } from "../reference/resolve.js";
import type { SourceSpec } from "./source-spec.js";
import { parseVersionRange } from "./version-range.js";

/** Tags under which registries keep lists of referrers and signatures of cosign; they come with their subjects. */
const DIGEST_TAG = /^[a-z0-9]+-[0-9a-f]{32,}(?:\.|$)/;

/** Sources, open, and when the newest of those on this machine was written. */
export interface OpenSources {
  readonly sources: readonly BundleSource[];
  /** Milliseconds since 1970. */
  readonly modified?: number;
}

/**
 * Opens sources: each layout and each repository once, with everything that was asked of it. Close the layouts when done.
 * @throws OcilotError `REF_NOT_FOUND` for a tag or a pattern that nothing matches, and what opening throws
 */
export async function openSources(
  specs: readonly SourceSpec[],
  options: OpenOptions & { readonly session: () => Promise<RegistrySession> },
): Promise<OpenSources> {
  const sources: BundleSource[] = [];
  const layouts = new Map<string, SourceSpec[]>();
  const repositories = new Map<string, RepositorySpec[]>();
  for (const spec of specs) {
    const platform = spec.kind === "repository" ? (spec.platform ?? "") : "";
    const path = spec.kind === "layout" ? parseReference(spec.text).path : splitRegistryReference(spec.text).path;
    const key = `${path}\n${platform}`;
    if (spec.kind === "layout") layouts.set(key, [...(layouts.get(key) ?? []), spec]);
    else repositories.set(key, [...(repositories.get(key) ?? []), spec]);
  }
  let modified: number | undefined;
  try {
    for (const group of layouts.values()) {
      sources.push(await openLayouts(group, options));
      const { path } = parseReference(group[0]!.text);
      const stat = statSync(isDirectory(path) ? join(path, "index.json") : path, { throwIfNoEntry: false });
      if (stat !== undefined) modified = Math.max(modified ?? 0, Math.floor(stat.mtimeMs));
    }
    for (const group of repositories.values()) sources.push(await openRepositories(group, await options.session(), options.signal));
  } catch (error) {
    for (const { layout } of sources) await layout.close();
    throw error;
  }
  return { sources, ...(modified !== undefined && { modified }) };
}

async function openLayouts(group: readonly SourceSpec[], options: OpenOptions): Promise<BundleSource> {
  const { layout } = await openReference(group[0]!.text, options);
  const references = new Set<string>();
  const snapshot = await layout.index.read();
  for (const { text } of group) {
    const reference = parseReference(text);
    if (reference.rest === "") return { layout };
    const pattern = reference.rest.slice(1);
    const isPattern = reference.rest.startsWith(":") && pattern.includes("*");
    const tags = isPattern ? snapshot.entries.flatMap((e) => (e.tag !== undefined && matchesGlob(e.tag, pattern) ? e.tag : [])) : [];
    if (isPattern && tags.length === 0) throw nothingMatches(text);
    for (const tag of tags) references.add(tag);
    if (!isPattern) references.add(exactReference(snapshot, reference, await resolveIn(layout, reference, { snapshot })));
  }
  return { layout, references: [...references] };
}

type RepositorySpec = Extract<SourceSpec, { kind: "repository" }>;

async function openRepositories(
  group: readonly RepositorySpec[],
  session: RegistrySession,
  signal: AbortSignal | undefined,
): Promise<BundleSource> {
  const { formatRegistryReference, openRepository, parseRegistryReference } = await import("@ocilot/registry");
  const first = group[0]!;
  const name = parseRegistryReference(splitRegistryReference(first.text).path);
  const platforms = first.platform === undefined ? {} : { platforms: [parsePlatform(first.platform)] };
  const repository = formatRegistryReference(name);
  const wanted = { tags: new Set<string>(), digests: new Set<string>() };
  let isAll = false;
  let all: readonly string[] | undefined;
  for (const { text, regex, range } of group) {
    const { rest } = splitRegistryReference(text);
    const tag = rest.startsWith(":") ? rest.slice(1).split("@")[0]! : undefined;
    const digest = rest.includes("@") ? rest.slice(rest.indexOf("@") + 1) : undefined;
    if (digest !== undefined) {
      wanted.digests.add(digest);
      continue;
    }
    if (tag === undefined && regex === undefined && range === undefined) isAll = true;
    else if (tag !== undefined && !tag.includes("*")) wanted.tags.add(tag);
    else {
      all ??= ((await session.repository(name).listTags(signal && { signal })) ?? []).filter((t) => !DIGEST_TAG.test(t));
      const found = all.filter(tagTest({ tag, regex, range }));
      const rule = regex ?? range;
      if (found.length === 0) throw nothingMatches(rule === undefined ? text : `${text} with ${rule}`);
      for (const t of found) wanted.tags.add(t);
    }
  }
  const open = async (tags: readonly string[], digests: readonly string[]): Promise<Layout> => {
    const focus = isAll
      ? { all: true as const }
      : { tags, digests: digests.map((d) => parseRegistryReference(`${repository}@${d}`).digest!) };
    return await openRepository(name, { session, focus, mustExist: true, ...(signal && { signal }) });
  };
  const layout = await open([...wanted.tags], [...wanted.digests]);
  if (isAll && first.platform === undefined) return { layout, repository };
  const references = isAll
    ? (await layout.index.read()).entries.flatMap((e) => (e.tag !== undefined && !DIGEST_TAG.test(e.tag) ? e.tag : []))
    : wanted.tags;
  return { layout, repository, references: [...references, ...[...wanted.digests].map((d) => `@${d}`)], ...platforms };
}

/** Exactly one of the three is there. */
function tagTest(by: { tag: string | undefined; regex: string | undefined; range: string | undefined }): (tag: string) => boolean {
  const { tag, regex, range } = by;
  if (range !== undefined) return parseVersionRange(range) ?? (() => false);
  const pattern = regex === undefined ? undefined : new RegExp(regex);
  return (t) => (pattern === undefined ? matchesGlob(t, tag!) : pattern.test(t));
}

function nothingMatches(text: string): OcilotError<"REF_NOT_FOUND"> {
  return new OcilotError("REF_NOT_FOUND", `no tag matches ${text}`, { reference: text }, { hint: "Look at the tags with: ocilot ls" });
}

/** @throws OcilotError `USAGE` */
export function refuseNoSource(specs: readonly SourceSpec[]): void {
  if (specs.length === 0)
    throw usageError("there is nothing to bundle", "src", "Name a layout, a tar, docker://HOST/REPOSITORY[:TAG], or a --list of them.");
}
