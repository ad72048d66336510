import type { Repository } from "./repository.js";

/** The repositories of a server. */
export interface Repositories {
  /** Where they are, for messages. */
  readonly location: string;
  /** The repository of that name; undefined if there is none. The name has been checked. */
  find(name: string): Promise<Repository | undefined>;
  /**
   * The repository of that name, made if there is none.
   * @throws RegistryError `NAME_INVALID`, `DENIED`
   */
  obtain(name: string): Promise<Repository>;
  /** The names of all repositories, sorted. */
  names(): Promise<readonly string[]>;
  /** Those in use, for looking after them. */
  opened(): Iterable<Repository>;
  /** Ends writes under way and lets go of all files. */
  close(): Promise<void>;
}
