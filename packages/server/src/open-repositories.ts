import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { Layout, MARKER_FILE, OcilotError, openArchive } from "@ocilot/layout";
import { FixedRepositories } from "./repositories/fixed-repositories.js";
import { FolderRepositories } from "./repositories/folder-repositories.js";
import { FileIdentity } from "./repositories/index-identity.js";
import type { Repositories } from "./repositories/repositories.js";
import { isRepositoryName } from "./repositories/repository-name.js";
import { Repository, type RepositoryOptions } from "./repositories/repository.js";
import { repositoriesIn } from "./repositories/tags.js";

/**
 * What is served: a folder of layouts, a single layout or a tar of one by its path; several of them; layouts that are open already, by
 * repository name; or nothing, for a registry in memory.
 */
export type Source = string | readonly string[] | Readonly<Record<string, Layout>>;

/** How what is served is opened. */
export interface OpenOptions extends Pick<RepositoryOptions, "lockWait" | "onCommit"> {
  readonly sync: boolean;
  /** The repository name of a single layout. */
  readonly name?: string;
}

/**
 * Opens what is to be served; nothing is written.
 * @throws OcilotError `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `USAGE`, and what opening a layout throws
 * @example
 * ```ts
 * import { openRepositories } from "@ocilot/server";
 *
 * const repositories = await openRepositories("./layouts", { sync: true, lockWait: 30_000 });
 * console.log(await repositories.names());
 * await repositories.close();
 * ```
 */
export async function openRepositories(source: Source | undefined, options: OpenOptions): Promise<Repositories> {
  const { lockWait, onCommit } = options;
  const shared = { lockWait, ...(onCommit && { onCommit }) };
  if (source === undefined) return new FixedRepositories("memory", [], shared);
  if (typeof source === "string") return await openPath(source, options, shared);
  if (isPaths(source)) {
    if (source.length === 1) return await openPath(source[0]!, options, shared);
    const repositories: Repository[] = [];
    for (const path of source) repositories.push(...(await openSingle(path, options, shared)));
    refuseTwins(repositories);
    return new FixedRepositories(source.join(", "), repositories);
  }
  const repositories = Object.entries(source).map(([name, layout]) => {
    if (!isRepositoryName(name)) throw nameRefused(name);
    return new Repository(name, layout, { isWritable: true, ...placeOf(layout), ...shared });
  });
  return new FixedRepositories("memory", repositories, shared);
}

function isPaths(source: readonly string[] | Readonly<Record<string, Layout>>): source is readonly string[] {
  return Array.isArray(source);
}

async function openPath(
  path: string,
  options: OpenOptions,
  shared: Pick<RepositoryOptions, "lockWait" | "onCommit">,
): Promise<Repositories> {
  if (!existsSync(path))
    throw new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path }, { hint: "Name a layout, or a folder of layouts." });
  if (statSync(path).isDirectory() && !existsSync(join(path, MARKER_FILE))) {
    return new FolderRepositories(realpathSync(path), { sync: options.sync, ...shared });
  }
  return new FixedRepositories(path, await openSingle(path, options, shared));
}

/**
 * A single layout may be several repositories: where its names are of the form `host/path:tag`, each path is one. All its plain tags
 * are in each.
 */
async function openSingle(
  path: string,
  options: OpenOptions,
  shared: Pick<RepositoryOptions, "lockWait" | "onCommit">,
): Promise<Repository[]> {
  const isArchive = existsSync(path) && !statSync(path).isDirectory();
  const real = isArchive ? path : realpathSync(path);
  const layout = isArchive ? await openArchive(path) : await Layout.open(real, { sync: options.sync });
  const make = (name: string, names?: string): Repository =>
    new Repository(name, layout, {
      isWritable: !isArchive,
      ...(isArchive ? {} : { directory: real, identity: FileIdentity.ofIndex(real) }),
      ...(names !== undefined && { names }),
      ...shared,
    });
  if (options.name !== undefined) {
    if (!isRepositoryName(options.name)) throw nameRefused(options.name);
    return [make(options.name)];
  }
  const named = repositoriesIn((await layout.index.read()).entries);
  if (named.length > 0) return named.map((name) => make(name, name));
  return [make(nameOfPath(path))];
}

/** The last part of a path, made into a name by the grammar. */
function nameOfPath(path: string): string {
  const base = basename(path)
    .replace(/\.(?:tar|tar\.gz|tgz|tar\.zst)$/, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return base === "" ? "layout" : base;
}

function placeOf({ location }: Layout): Partial<RepositoryOptions> {
  if (location === "memory" || !existsSync(join(location, MARKER_FILE))) return {};
  const directory = realpathSync(location);
  return { directory, identity: FileIdentity.ofIndex(directory) };
}

function refuseTwins(repositories: readonly Repository[]): void {
  const seen = new Set<string>();
  for (const { name } of repositories) {
    if (seen.has(name))
      throw new OcilotError(
        "USAGE",
        `two of the layouts would be the repository ${name}`,
        { argument: name },
        { hint: "Serve the folder that they are in." },
      );
    seen.add(name);
  }
}

function nameRefused(name: string): OcilotError<"USAGE"> {
  return new OcilotError(
    "USAGE",
    `${JSON.stringify(name)} is not a repository name`,
    { argument: name },
    { hint: "Use lower-case letters, digits, and single . _ - between them; / between the parts." },
  );
}
