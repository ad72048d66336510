import { CONTAINERD_IMAGE_NAME, type Descriptor, type IndexEntry, IMAGE_INDEX } from "@ocilot/layout";
import { isTag, splitFullName } from "./repository-name.js";

/** Lists of referrers under the tag that stands in for the Referrers API; clients of this server ask the API instead. */
const LIST_TAG = /^(?:sha256|sha384|sha512|blake3)-[0-9a-f]{64}$/;

/** The tags of a repository, from the entries of a layout. */
export class Tags {
  readonly #byTag: ReadonlyMap<string, Descriptor>;
  readonly #fullNames: Map<string, string> = new Map();
  #sorted: readonly string[] | undefined;

  /**
   * @param repository where entries have full names, only those of this repository count
   */
  constructor(entries: readonly IndexEntry[], repository?: string) {
    const byTag = new Map<string, Descriptor>();
    const named = entries.map((entry) => ({ entry, full: fullNameOf(entry) }));
    // A plain tag comes before what a full name ends with; of two full names with one tag the first is taken.
    for (const { entry, full } of named) {
      if (full === undefined && entry.tag !== undefined && isTag(entry.tag)) byTag.set(entry.tag, entry.descriptor);
    }
    for (const { entry, full } of named) {
      if (full === undefined || (repository !== undefined && full.repository !== repository) || byTag.has(full.tag)) continue;
      byTag.set(full.tag, entry.descriptor);
      this.#fullNames.set(full.tag, full.name);
    }
    this.#byTag = byTag;
  }

  get(tag: string): Descriptor | undefined {
    return this.#byTag.get(tag);
  }

  /** The name that stands in the layout for a tag: where that is a full name, the tag moves with all of it. */
  nameOf(tag: string): string {
    return this.#fullNames.get(tag) ?? tag;
  }

  /** Sorted bytewise, without the lists that stand in for the Referrers API. */
  sorted(): readonly string[] {
    this.#sorted ??= [...this.#byTag]
      .filter(([tag, d]) => !(LIST_TAG.test(tag) && d.mediaType === IMAGE_INDEX))
      .map(([tag]) => tag)
      .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return this.#sorted;
  }
}

/** The repositories of the full names in a layout, sorted. */
export function repositoriesIn(entries: readonly IndexEntry[]): string[] {
  return [...new Set(entries.flatMap((entry) => fullNameOf(entry)?.repository ?? []))].toSorted();
}

/** The full name of an entry, whichever annotation holds it. */
function fullNameOf({
  tag,
  descriptor,
}: IndexEntry): { readonly name: string; readonly repository: string; readonly tag: string } | undefined {
  for (const name of [descriptor.annotations?.[CONTAINERD_IMAGE_NAME], tag]) {
    const parts = name === undefined ? undefined : splitFullName(name);
    if (parts !== undefined) return { name: name!, ...parts };
  }
  return undefined;
}
