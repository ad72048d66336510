import { readdirSync } from "node:fs";

/** The names in a directory, by one call for all of them. */
export class ListedNames {
  readonly #names: ReadonlyMap<string, string>;

  /** @throws file-system errors as they come */
  constructor(directory: string) {
    const entries = readdirSync(directory, { withFileTypes: true });
    this.#names = new Map(entries.map((entry) => [entry.name.toLowerCase(), entry.isFile() ? entry.name : ""]));
  }

  /** Whether there is a regular file of that name. Undefined where that has to be asked for: for a link, and for a name in other letters. */
  hasFile(name: string): boolean | undefined {
    const found = this.#names.get(name.toLowerCase());
    return found === undefined ? false : found === name || undefined;
  }
}
