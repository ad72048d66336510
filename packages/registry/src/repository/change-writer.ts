import { type Descriptor, type Digest, OcilotError, parseManifest } from "@ocilot/layout";
import { responseDescriptor, subjectEdge } from "@ocilot/referrers";
import type { RepositoryClient } from "../client/types.js";
import { inParallel } from "./in-parallel.js";
import type { IndexChanges } from "./index-changes.js";
import type { KnownContent } from "./known-content.js";
import type { RepositoryState } from "./read-repository.js";
import type { NewReferrer, ReferrerRecorder } from "./record-referrers.js";
import { type RepositoryBlobs, refusedDelete } from "./repository-blobs.js";

/** Subjects whose lists are written at the same time. */
const SUBJECT_LANES = 8;

/** What changes are written with. */
export interface ChangeWriterOptions {
  readonly client: RepositoryClient;
  readonly blobs: RepositoryBlobs;
  readonly known: KnownContent;
  readonly recorder: ReferrerRecorder;
  readonly signal?: AbortSignal;
}

/**
 * Makes requests of changes to the index of a repository: tags are set and deleted, referrers recorded and detached. What has been done is
 * noted in the state of the repository as it goes, so that it is true after a failure too.
 */
export class ChangeWriter {
  readonly #client: RepositoryClient;
  readonly #blobs: RepositoryBlobs;
  readonly #known: KnownContent;
  readonly #recorder: ReferrerRecorder;
  readonly #options: { readonly signal?: AbortSignal };

  constructor({ client, blobs, known, recorder, signal }: ChangeWriterOptions) {
    this.#client = client;
    this.#blobs = blobs;
    this.#known = known;
    this.#recorder = recorder;
    this.#options = signal === undefined ? {} : { signal };
  }

  /** What a registry may refuse comes first, so that a refusal leaves everything as it was. */
  async apply(changes: IndexChanges, state: RepositoryState): Promise<void> {
    const referrers = await this.#newReferrers(changes.added);
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
      this.#blobs.manifests.remember(descriptor, bytes);
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
