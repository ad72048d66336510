import { type Digest, type IndexEdit, type IndexFile, type IndexSnapshot, OcilotError, type WriteOptions } from "@ocilot/layout";
import type { RepositoryClient } from "../client/types.js";
import { ChangeWriter } from "./change-writer.js";
import { inParallel } from "./in-parallel.js";
import { type IndexChanges, indexChanges } from "./index-changes.js";
import { indexDocument } from "./index-document.js";
import type { KnownContent } from "./known-content.js";
import { type RepositoryState, readRepository } from "./read-repository.js";
import { type RecordOptions, ReferrerRecorder } from "./record-referrers.js";
import type { RepositoryBlobs } from "./repository-blobs.js";
import type { RepositoryFocus } from "./repository-focus.js";

/** How often an edit is planned again because a tag has moved meanwhile. */
const MAX_CONFLICTS = 5;

export interface RepositoryIndexOptions {
  readonly client: RepositoryClient;
  readonly blobs: RepositoryBlobs;
  readonly known: KnownContent;
  readonly focus: RepositoryFocus;
  readonly record?: RecordOptions;
  /** Fail where the registry knows no such repository, or no tag that is in focus; otherwise that is an empty one, which the first push makes. */
  readonly mustExist?: boolean;
  /** Ends whatever is asked. */
  readonly signal?: AbortSignal;
}

/**
 * `index.json` of a repository: what is in focus, and everything that refers to it. It is read once; edits become requests: tags are set and
 * deleted, referrers are recorded by the Referrers API or in the list under the referrers tag, and all of it is looked at again. There is no
 * transaction over several requests: referrers are recorded before tags move, so a client that sees a tag finds its referrers.
 */
export class RepositoryIndex implements IndexFile {
  readonly #client: RepositoryClient;
  readonly #blobs: RepositoryBlobs;
  readonly #known: KnownContent;
  readonly #focus: RepositoryFocus;
  readonly #recorder: ReferrerRecorder;
  readonly #writer: ChangeWriter;
  readonly #options: { readonly signal?: AbortSignal };
  readonly #mustExist: boolean;
  #state: Promise<RepositoryState> | undefined;
  #snapshot: IndexSnapshot | undefined;

  constructor({ client, blobs, known, focus, record, mustExist, signal }: RepositoryIndexOptions) {
    this.#mustExist = mustExist ?? false;
    this.#options = signal === undefined ? {} : { signal };
    this.#client = client;
    this.#blobs = blobs;
    this.#known = known;
    this.#focus = focus;
    this.#recorder = new ReferrerRecorder(client, { ...this.#options, ...record });
    this.#writer = new ChangeWriter({ client, blobs, known, recorder: this.#recorder, ...this.#options });
  }

  async read(): Promise<IndexSnapshot> {
    const state = await this.#read();
    this.#snapshot ??= indexDocument(state);
    return this.#snapshot;
  }

  /** What the registry said when it was asked. */
  async state(): Promise<RepositoryState> {
    return await this.#read();
  }

  async #read(): Promise<RepositoryState> {
    this.#state ??= this.#ask();
    try {
      return await this.#state;
    } catch (error) {
      this.#state = undefined;
      throw error;
    }
  }

  async #ask(): Promise<RepositoryState> {
    const state = await readRepository(this.#client, this.#blobs, this.#focus, this.#options);
    if (state.isEmpty && this.#mustExist) throw unknownRepository(this.#client);
    const asked = this.#focus.all === true ? [] : (this.#focus.tags ?? []);
    const absent = this.#mustExist ? asked.find((tag) => !state.names.includes(tag)) : undefined;
    if (absent !== undefined) throw unknownTag(this.#client, absent);
    this.#known.isEmpty = state.isEmpty;
    this.#recorder.hasApi ??= state.hasApi;
    return state;
  }

  async update(
    edit: (base: IndexSnapshot) => readonly IndexEdit[] | Promise<readonly IndexEdit[]>,
    options: WriteOptions = {},
  ): Promise<IndexSnapshot> {
    for (let conflicts = 0; ; conflicts++) {
      const base = await this.read();
      const edits = await edit(base);
      if (edits.length === 0) return base;
      if (options.signal?.aborted === true) throw new OcilotError("ABORTED", "interrupted; the repository's tags are unchanged", {});
      const changes = indexChanges(base, edits);
      if (await this.#lookAt(changes)) continue;
      const moved = await this.#movedTag(changes);
      if (moved === undefined) {
        await this.#writer.apply(changes, await this.#read());
        this.#snapshot = undefined;
        return await this.read();
      }
      this.#state = undefined;
      this.#snapshot = undefined;
      const after = await this.read();
      if (conflicts >= MAX_CONFLICTS) throw conflict(this.#client, moved, base.digest, after.digest);
    }
  }

  /** Brings tags into focus that are to be written and are there already; true where there were any, so that the edit is planned again. */
  async #lookAt({ tags }: IndexChanges): Promise<boolean> {
    const state = await this.#read();
    const names = new Set(state.names);
    const unseen = tags.filter(({ tag, before }) => before === undefined && names.has(tag) && !state.tags.has(tag));
    const found = await inParallel(unseen, async ({ tag }) => {
      const head = await this.#client.headManifest(tag, this.#options);
      if (head === undefined) return false;
      const { descriptor } = await this.#client.getManifest(tag, this.#options);
      state.tags.set(tag, { descriptor });
      return true;
    });
    if (!found.includes(true)) return false;
    this.#snapshot = undefined;
    return true;
  }

  /** A tag that is to be written and does not point any more to what the edit was planned on. */
  async #movedTag({ tags, untagged }: IndexChanges): Promise<string | undefined> {
    if (this.#known.isEmpty) return undefined;
    const found = await inParallel([...tags, ...untagged], async ({ tag, before }) => {
      const head = await this.#client.headManifest(tag, this.#options);
      return (head?.digest ?? (head === undefined ? undefined : before)) === before ? [] : [tag];
    });
    return found.flat()[0];
  }
}

function conflict({ host, repository }: RepositoryClient, tag: string, expected: Digest, found: Digest): OcilotError<"INDEX_CONFLICT"> {
  return new OcilotError(
    "INDEX_CONFLICT",
    `other clients keep moving the tag ${tag} of ${host}/${repository}`,
    { expected, found },
    { hint: "Run the command again when they are done." },
  );
}

function unknownTag({ host, repository }: RepositoryClient, tag: string): OcilotError<"REF_NOT_FOUND"> {
  const reference = `${host}/${repository}:${tag}`;
  return new OcilotError(
    "REF_NOT_FOUND",
    `${reference} does not exist`,
    { reference },
    { hint: `List the tags with \`ocilot ls docker://${host}/${repository}\`.` },
  );
}

function unknownRepository({ host, repository }: RepositoryClient): OcilotError<"REF_NOT_FOUND"> {
  return new OcilotError(
    "REF_NOT_FOUND",
    `${host} has no repository ${repository}`,
    { reference: `docker://${host}/${repository}` },
    { hint: "Check its name; a registry may also answer so where you have no access." },
  );
}
