import {
  type Descriptor,
  type Digest,
  type IndexEdit,
  type IndexFile,
  type IndexSnapshot,
  OcilotError,
  type WriteOptions,
  parseManifest,
} from "@ocilot/layout";
import { responseDescriptor, subjectEdge } from "@ocilot/referrers";
import type { RepositoryClient } from "../client/types.js";
import { inParallel } from "./in-parallel.js";
import { type IndexChanges, indexChanges } from "./index-changes.js";
import { indexDocument } from "./index-document.js";
import type { KnownContent } from "./known-content.js";
import { type RepositoryState, readRepository } from "./read-repository.js";
import { type NewReferrer, type RecordOptions, ReferrerRecorder } from "./record-referrers.js";
import { type RepositoryBlobs, refusedDelete } from "./repository-blobs.js";
import type { RepositoryFocus } from "./repository-focus.js";

/** How often an edit is planned again because a tag has moved meanwhile. */
const MAX_CONFLICTS = 5;
/** Subjects whose lists are written at the same time. */
const SUBJECT_LANES = 8;

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
        await this.#apply(changes);
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

  /** What a registry may refuse comes first, so that a refusal leaves everything as it was. */
  async #apply(changes: IndexChanges): Promise<void> {
    const referrers = await this.#newReferrers(changes.added);
    const state = await this.#read();
    for (const { tag } of changes.untagged) {
      try {
        await this.#client.deleteManifest(tag, this.#options);
      } catch (error) {
        throw refusedDelete(error, `the tag ${tag} of ${this.#client.repository}`, this.#client.host);
      }
      state.tags.delete(tag);
    }
    await this.#detach(changes.detached, state);
    await inParallel(
      [...referrers],
      async ([subject, group]) => {
        const by = await this.#recorder.add(subject, group);
        const siblings = state.referrers.get(subject) ?? new Map();
        state.referrers.set(subject, siblings);
        for (const { line } of group) siblings.set(line.digest, { descriptor: line, by });
      },
      SUBJECT_LANES,
    );
    await inParallel(changes.tags, async ({ tag, descriptor }) => {
      const [bytes] = await this.#blobs.bytesMany([descriptor]);
      if (!(bytes instanceof Uint8Array)) throw bytes!;
      await this.#client.putManifest(tag, bytes, { mediaType: descriptor.mediaType, ...this.#options });
      this.#known.isEmpty = false;
      this.#blobs.remember(descriptor, bytes);
      const old = state.tags.get(tag);
      state.tags.set(tag, { descriptor, ...(old?.subject !== undefined && { subject: old.subject }) });
    });
  }

  /** Of what is newly named: those that have a subject, by subject. A manifest that no tag and no subject leads to is stored, and not listed. */
  async #newReferrers(added: readonly Descriptor[]): Promise<Map<Digest, NewReferrer[]>> {
    const groups = new Map<Digest, NewReferrer[]>();
    const read = await this.#blobs.bytesMany(added);
    for (const [i, descriptor] of added.entries()) {
      const bytes = read[i]!;
      if (!(bytes instanceof Uint8Array)) throw bytes;
      const manifest = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
      const edge = subjectEdge({ state: "read", descriptor, manifest }, { convention: "oras" });
      if (edge === undefined) continue;
      groups.set(edge.subject, [...(groups.get(edge.subject) ?? []), { line: responseDescriptor(edge), bytes }]);
    }
    return groups;
  }

  async #detach(detached: IndexChanges["detached"], state: RepositoryState): Promise<void> {
    if (detached.length === 0) return;
    await this.#refuseTagged(new Set(detached.map((d) => d.digest)), state);
    const bySubject = new Map<Digest, Digest[]>();
    for (const { digest, subjects } of detached) {
      try {
        await this.#blobs.delete(digest);
        state.digests.delete(digest);
      } catch (error) {
        const isListed = subjects.length > 0 && subjects.every((s) => state.referrers.get(s)?.get(digest)?.by === "referrers-tag");
        // Where only a list leads to it, it is detached once that does not name it any more.
        if (!isListed || !(error instanceof OcilotError) || error.code !== "WRITE_REFUSED") throw error;
        this.#blobs.notDeletable.add(digest);
      }
      for (const subject of subjects) bySubject.set(subject, [...(bySubject.get(subject) ?? []), digest]);
    }
    await inParallel(
      [...bySubject],
      async ([subject, digests]) => {
        const siblings = state.referrers.get(subject);
        const listed = digests.filter((digest) => siblings?.get(digest)?.by === "referrers-tag");
        if (listed.length > 0) await this.#recorder.remove(subject, listed);
        for (const digest of digests) siblings?.delete(digest);
        if (siblings?.size === 0) state.referrers.delete(subject);
      },
      SUBJECT_LANES,
    );
  }

  /** With a manifest a registry deletes its tags, and those out of focus are somebody's too. */
  async #refuseTagged(digests: ReadonlySet<Digest>, state: RepositoryState): Promise<void> {
    const others = state.names.filter((tag) => !state.tags.has(tag));
    const held = await inParallel(others, async (tag) => {
      const head = await this.#client.headManifest(tag, this.#options);
      return head?.digest !== undefined && digests.has(head.digest) ? [{ tag, digest: head.digest }] : [];
    });
    const [first] = held.flat();
    if (first === undefined) return;
    throw new OcilotError(
      "WRITE_REFUSED",
      `${first.digest} has the tag ${first.tag} in ${this.#client.repository}`,
      { reason: "tagged" },
      { hint: `Remove the tag first: ocilot untag docker://${this.#client.host}/${this.#client.repository}:${first.tag}` },
    );
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
