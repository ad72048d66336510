import { Layout } from "@ocilot/layout";
import { RegistryError } from "../protocol/registry-error.js";
import type { Repositories } from "./repositories.js";
import { Repository, type RepositoryOptions } from "./repository.js";

/** Repositories that are given by name; in memory, more are made on the first push. */
export class FixedRepositories implements Repositories {
  readonly location: string;
  readonly #repositories: Map<string, Repository>;
  readonly #options: Pick<RepositoryOptions, "lockWait" | "onCommit"> | undefined;

  /** @param options of repositories that are made in memory; without it none are made */
  constructor(location: string, repositories: Iterable<Repository>, options?: Pick<RepositoryOptions, "lockWait" | "onCommit">) {
    this.location = location;
    this.#repositories = new Map([...repositories].map((r) => [r.name, r]));
    this.#options = options;
  }

  async find(name: string): Promise<Repository | undefined> {
    return this.#repositories.get(name);
  }

  async obtain(name: string): Promise<Repository> {
    const there = this.#repositories.get(name);
    if (there !== undefined) return there;
    if (this.#options === undefined) throw new RegistryError("DENIED", "no repository can be made here");
    const made = new Repository(name, Layout.inMemory(), { isWritable: true, ...this.#options });
    this.#repositories.set(name, made);
    return made;
  }

  async names(): Promise<readonly string[]> {
    return [...this.#repositories.keys()].toSorted();
  }

  opened(): Iterable<Repository> {
    return this.#repositories.values();
  }

  async close(): Promise<void> {
    for (const repository of this.#repositories.values()) await repository.close();
  }
}
