import { type Descriptor, type Digest, isOcilotError, manifestKind, parseManifest } from "@ocilot/layout/spec";
import type { FetchedManifest, RepositoryClient } from "../client/types.js";
import { inParallel } from "./in-parallel.js";
import { listedReferrers } from "./referrer-list.js";
import type { RepositoryFocus } from "./repository-focus.js";
import type { ListedReferrer, TaggedManifest } from "./repository-model.js";
import type { RepositoryReader } from "./repository-reader.js";
import { SpecialTags, subjectOfListTag } from "./special-tags.js";

/** What a repository says of what was asked for. */
export interface RepositoryState {
  readonly tags: Map<string, TaggedManifest>;
  readonly digests: Map<Digest, Descriptor>;
  readonly referrers: Map<Digest, Map<Digest, ListedReferrer>>;
  /** Whether the Referrers API works; undefined where there was nothing to ask about. */
  readonly hasApi: boolean | undefined;
  /** What came in the place of the Referrers API. */
  readonly apiReason: string | undefined;
  /** Nothing has been pushed yet. */
  readonly isEmpty: boolean;
  /** What the lists under referrers tags name, by subject. */
  readonly lists: ReadonlyMap<Digest, ReadonlySet<Digest>>;
  /** Every tag that the registry lists. */
  readonly names: readonly string[];
}

/**
 * Asks a repository for what is in focus and everything that refers to it: by the Referrers API where there is one, by the lists under referrers
 * tags, and by cosign's tags; nested, and of every platform. One listing of the tags tells which lists there are at all.
 * @throws OcilotError what the registry answers; a server error is never taken for an empty list
 */
export async function readRepository(
  client: RepositoryClient,
  reader: RepositoryReader,
  focus: RepositoryFocus,
  options: { readonly signal?: AbortSignal } = {},
): Promise<RepositoryState> {
  const names = await client.listTags(options);
  return await new RepositoryWalk(client, reader, names, options).read(focus);
}

class RepositoryWalk {
  readonly #client: RepositoryClient;
  readonly #reader: RepositoryReader;
  readonly #special: SpecialTags;
  readonly #names: readonly string[];
  readonly #isUnknown: boolean;
  readonly #options: { readonly signal?: AbortSignal };
  readonly #tags: Map<string, TaggedManifest> = new Map();
  readonly #digests: Map<Digest, Descriptor> = new Map();
  readonly #referrers: Map<Digest, Map<Digest, ListedReferrer>> = new Map();
  readonly #lists: Map<Digest, Set<Digest>> = new Map();
  readonly #seen: Set<Digest> = new Set();
  readonly #listTags: Set<string> = new Set();
  #api: { readonly works: boolean; readonly reason?: string } | undefined;

  constructor(
    client: RepositoryClient,
    reader: RepositoryReader,
    names: readonly string[] | undefined,
    options: { readonly signal?: AbortSignal },
  ) {
    this.#client = client;
    this.#reader = reader;
    this.#special = new SpecialTags(names ?? []);
    this.#names = names ?? [];
    this.#isUnknown = names === undefined;
    this.#options = options;
  }

  async read(focus: RepositoryFocus): Promise<RepositoryState> {
    if (focus.all === true) await this.#readAll();
    else {
      const roots = [...(await this.#readTags(focus.tags ?? [])), ...(await this.#readDigests(focus.digests ?? []))];
      await this.#walk(roots);
      await this.#readSubjects(roots);
    }
    return {
      tags: this.#tags,
      digests: this.#digests,
      referrers: this.#referrers,
      hasApi: this.#api?.works,
      apiReason: this.#api?.reason,
      isEmpty: this.#isUnknown && this.#digests.size === 0,
      lists: this.#lists,
      names: this.#names,
    };
  }

  /** Lists a root that is itself a referrer, with its subject and the other referrers of that subject: an edit needs to know them. */
  async #readSubjects(roots: readonly Descriptor[]): Promise<void> {
    const read = await this.#reader.bytesMany(roots, this.#options);
    const subjects = roots.flatMap((d, i) => {
      const bytes = read[i]!;
      return bytes instanceof Uint8Array ? (parseManifest(bytes, d.mediaType, d.digest).subject ?? []) : [];
    });
    await inParallel(subjects, async ({ digest }) => {
      await this.#readApi(digest);
      for (const tag of this.#special.listsOf(digest)) await this.#readList(tag, digest);
    });
  }

  async #readAll(): Promise<void> {
    await this.#walk(await this.#readTags(this.#special.ordinary()));
    // The rest belongs to images that no tag leads to.
    for (const tag of this.#special.lists()) {
      if (this.#listTags.has(tag)) continue;
      const subject = subjectOfListTag(tag);
      const referrers = subject === undefined ? [] : await this.#readList(tag, subject);
      await this.#walk(this.#listTags.has(tag) ? referrers : await this.#readTags([tag]));
    }
    await this.#walk(await this.#readTags(this.#special.cosign().filter((tag) => !this.#tags.has(tag))));
  }

  async #readTags(tags: readonly string[]): Promise<Descriptor[]> {
    return (
      await inParallel(
        [...new Set(tags)].filter((tag) => this.#special.has(tag)),
        async (tag) => await this.#readTag(tag),
      )
    ).flat();
  }

  async #readDigests(digests: readonly Digest[]): Promise<Descriptor[]> {
    return (await inParallel(digests, async (digest) => await this.#readDigest(digest))).flat();
  }

  async #readTag(tag: string, subject?: Digest): Promise<Descriptor[]> {
    const found = await this.#getTag(tag);
    if (found === undefined) return [];
    this.#tags.set(tag, { descriptor: found.descriptor, ...(subject !== undefined && { subject }) });
    return [found.descriptor];
  }

  /** A tag that was listed and is gone by now is none. */
  async #getTag(tag: string): Promise<FetchedManifest | undefined> {
    try {
      const found = await this.#client.getManifest(tag, this.#options);
      this.#reader.manifests.remember(found.descriptor, found.bytes);
      return found;
    } catch (error) {
      if (isOcilotError(error, "REF_NOT_FOUND", "BLOB_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async #readDigest(digest: Digest): Promise<Descriptor[]> {
    const head = await this.#client.headManifest(digest, this.#options);
    if (head === undefined) return [];
    const { descriptor, bytes } = await this.#client.getManifest(digest, this.#options);
    this.#reader.manifests.remember(descriptor, bytes);
    this.#digests.set(digest, descriptor);
    return [descriptor];
  }

  /** Level by level, so that each is one round of requests. */
  async #walk(roots: readonly Descriptor[]): Promise<void> {
    let level = roots;
    while (level.length > 0) {
      const fresh = level.filter((d) => manifestKind(d.mediaType) !== undefined && !this.#seen.has(d.digest) && this.#seen.add(d.digest));
      // The first answer tells whether to ask for the others at all.
      const first = this.#api === undefined ? fresh.splice(0, 1) : [];
      const found = [...(await inParallel(first, async (d) => await this.#below(d)))];
      found.push(...(await inParallel(fresh, async (d) => await this.#below(d))));
      level = found.flat();
    }
  }

  /** The children of a manifest, and what refers to it. */
  async #below(d: Descriptor): Promise<Descriptor[]> {
    const referrers = [...(await this.#readApi(d.digest))];
    for (const tag of this.#special.listsOf(d.digest)) referrers.push(...(await this.#readList(tag, d.digest)));
    for (const tag of this.#special.cosignTagsOf(d.digest)) {
      if (!this.#tags.has(tag)) referrers.push(...(await this.#readTag(tag, d.digest)));
    }
    return [...(await this.#children(d)), ...referrers];
  }

  async #children(d: Descriptor): Promise<readonly Descriptor[]> {
    if (!/index|list/.test(manifestKind(d.mediaType) ?? "")) return [];
    const [bytes] = await this.#reader.bytesMany([d], this.#options);
    // Missing and corrupt content is reported when it is read.
    return bytes instanceof Uint8Array ? parseManifest(bytes, d.mediaType, d.digest).manifests : [];
  }

  async #readApi(subject: Digest): Promise<readonly Descriptor[]> {
    if (this.#api?.works === false) return [];
    const answer = await this.#client.listReferrers(subject, this.#options);
    this.#api ??= answer.hasApi ? { works: true } : { works: false, reason: answer.reason };
    if (!answer.hasApi) return [];
    for (const descriptor of answer.referrers) this.#note(subject, descriptor, "referrers-api");
    return answer.referrers;
  }

  async #readList(tag: string, subject: Digest): Promise<readonly Descriptor[]> {
    if (this.#listTags.has(tag)) return [];
    const found = await this.#getTag(tag);
    const referrers = found === undefined ? undefined : listedReferrers(found, tag);
    if (referrers === undefined) return [];
    this.#listTags.add(tag);
    this.#tags.delete(tag);
    this.#lists.set(subject, new Set([...(this.#lists.get(subject) ?? []), ...referrers.map((d) => d.digest)]));
    for (const descriptor of referrers) this.#note(subject, descriptor, "referrers-tag");
    return referrers;
  }

  #note(subject: Digest, descriptor: Descriptor, by: ListedReferrer["by"]): void {
    const siblings = this.#referrers.get(subject) ?? new Map<Digest, ListedReferrer>();
    this.#referrers.set(subject, siblings);
    if (siblings.has(descriptor.digest)) return;
    siblings.set(descriptor.digest, { descriptor, by });
    this.#reader.manifests.noteListed(descriptor);
  }
}
