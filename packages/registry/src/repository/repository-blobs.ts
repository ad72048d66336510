import {
  type Algorithm,
  type BlobReader,
  type BlobSource,
  type BlobStore,
  type Descriptor,
  type Digest,
  MAX_MANIFEST_BYTES,
  OCTET_STREAM,
  type OnRefused,
  OcilotError,
  algorithmOf,
  checkBytes,
  corrupt,
  createHasher,
  digestOf,
  isOcilotError,
  manifestKind,
  parseManifest,
  sizeMismatch,
  tooLarge,
} from "@ocilot/layout";
import { inParallel } from "./in-parallel.js";
import { type RepeatableContent, repeatableContent } from "./repeatable-content.js";
import { type RepositoryParts, RepositoryReader } from "./repository-reader.js";
import type { UploadSessions } from "./upload-sessions.js";

/** When so many mounts in a row were not granted, the rest is not asked for. */
const MOUNT_TRIES = 4;

interface PutOptions {
  readonly expect?: Descriptor;
  readonly algorithm?: Algorithm;
  readonly mediaType?: string;
  readonly signal?: AbortSignal;
}

/** The manifests and blobs of a repository; a manifest is stored under its digest, and listed only by an edit of the index. */
export class RepositoryBlobs extends RepositoryReader implements BlobStore {
  readonly #sessions: UploadSessions;
  /** Manifests that the registry has refused to delete; that they are to be deleted is no error any more. */
  readonly notDeletable: Set<Digest> = new Set();

  constructor(parts: RepositoryParts & { readonly sessions: UploadSessions }) {
    super(parts);
    this.#sessions = parts.sessions;
  }

  async put(source: BlobSource, options: PutOptions = {}): Promise<Descriptor> {
    const { expect, algorithm, signal } = options;
    const mediaType = options.mediaType ?? expect?.mediaType ?? OCTET_STREAM;
    if (source instanceof Uint8Array) {
      if (expect !== undefined) checkBytes(expect, source);
      const d: Descriptor = { mediaType, digest: expect?.digest ?? digestOf(source, algorithm), size: source.length };
      await this.#store(d, (offset) => [source.subarray(offset)], source, signal);
      return d;
    }
    const content = await repeatableContent(source, { expect, algorithm, signal });
    try {
      const d: Descriptor = { mediaType, digest: content.digest, size: content.size };
      const isManifest = manifestKind(mediaType) !== undefined;
      await this.#store(d, content.read, isManifest ? await allOf(content) : undefined, signal);
      return d;
    } finally {
      await content.dispose();
    }
  }

  async #store(
    d: Descriptor,
    read: RepeatableContent["read"],
    bytes: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (manifestKind(d.mediaType) !== undefined && bytes !== undefined) return await this.#pushManifest(d, bytes, signal);
    const [missing] = await this.missing([d], signal && { signal });
    if (missing !== undefined) await this.#push(d, read, signal && { signal });
  }

  /** Blobs first, all at once; then manifests, each when what it names has been taken. */
  async putMany(
    blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[],
    options: { signal?: AbortSignal; onRefused?: OnRefused } = {},
  ): Promise<void> {
    const isManifest = (b: (typeof blobs)[number]): boolean => manifestKind(b.descriptor.mediaType) !== undefined;
    const content = new Map(blobs.filter((b) => !isManifest(b)).map((b) => [b.descriptor.digest, b]));
    const known = new Set([...content.keys()].filter((digest) => this.known.size(digest) !== undefined));
    await inParallel([...content.values()], async ({ descriptor, bytes }) => {
      if (!known.has(descriptor.digest)) await this.#push(descriptor, (offset) => [bytes.subarray(offset)], options);
    });
    let waiting = [...new Map(blobs.filter(isManifest).map((b) => [b.descriptor.digest, b])).values()];
    while (waiting.length > 0) {
      const digests = new Set(waiting.map((b) => b.descriptor.digest));
      const ready = waiting.filter((b) => !named(b).some((digest) => digests.has(digest)));
      // Sound hashes allow no circle; whatever else stands in the way the registry will say.
      const now = ready.length > 0 ? ready : waiting;
      await inParallel(now, async ({ descriptor, bytes }) => {
        try {
          await this.#pushManifest(descriptor, bytes, options.signal);
        } catch (error) {
          if (!isRefused(error) || (await options.onRefused?.(descriptor, error)) !== true) throw error;
        }
      });
      const done = new Set(now);
      waiting = waiting.filter((b) => !done.has(b));
    }
  }

  async putReplayable(
    d: Descriptor,
    read: (offset: number) => AsyncIterable<Uint8Array>,
    options: { signal?: AbortSignal; onBytes?: (n: number) => void } = {},
  ): Promise<void> {
    if (manifestKind(d.mediaType) === undefined) return await this.#push(d, read, options);
    if (d.size > MAX_MANIFEST_BYTES) throw tooLarge(d, MAX_MANIFEST_BYTES);
    const content = await repeatableContent(read(0), { expect: d, signal: options.signal });
    try {
      await this.#pushManifest(d, await allOf(content), options.signal);
    } finally {
      await content.dispose();
    }
  }

  /** From another repository of the same registry, and of blobs only: a registry mounts no manifests. */
  async mount(from: BlobReader, ds: readonly Descriptor[], options: { signal?: AbortSignal } = {}): Promise<Descriptor[]> {
    if (!(from instanceof RepositoryBlobs) || !this.#canMountFrom(from)) return [...ds];
    let refused = 0;
    const isMounted = await inParallel(
      ds,
      async (d) => {
        if (manifestKind(d.mediaType) !== undefined || refused >= MOUNT_TRIES) return false;
        const isDone = await this.client.mountBlob(d.digest, from.client.repository, this.given(options.signal));
        if (isDone) this.#noteBlob(d);
        else refused++;
        return isDone;
      },
      MOUNT_TRIES,
    );
    return ds.filter((_, i) => !isMounted[i]!);
  }

  #canMountFrom(from: RepositoryBlobs): boolean {
    return from.client.host === this.client.host && from.client.repository !== this.client.repository;
  }

  /** @throws OcilotError `WRITE_REFUSED` where the registry deletes nothing */
  async delete(digest: Digest): Promise<boolean> {
    if (this.notDeletable.has(digest)) return false;
    try {
      const isGone = await this.client.deleteManifest(digest, this.given());
      if (isGone && (await this.client.headManifest(digest, this.given())) !== undefined) throw stillThere(digest, this.client.host);
      const isDeleted = isGone || (this.known.manifest(digest) === undefined && (await this.client.deleteBlob(digest, this.given())));
      this.known.forget(digest);
      this.cache.delete(digest);
      return isDeleted;
    } catch (error) {
      throw refusedDelete(error, `${digest} in ${this.client.repository}`, this.client.host);
    }
  }

  async #pushManifest(d: Descriptor, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (this.known.manifest(d.digest) !== undefined && this.known.size(d.digest) === bytes.length) return;
    if (bytes.length > MAX_MANIFEST_BYTES) throw tooLarge(d, MAX_MANIFEST_BYTES);
    await this.client.putManifest(d.digest, bytes, { mediaType: d.mediaType, ...this.given(signal) });
    this.known.isEmpty = false;
    this.manifests.remember(d, bytes);
  }

  async #push(
    d: Descriptor,
    read: RepeatableContent["read"],
    options: { signal?: AbortSignal; onBytes?: (n: number) => void } = {},
  ): Promise<void> {
    const session = await this.#sessions.find(this.client, d);
    try {
      await this.client.pushBlob(
        d,
        { read },
        {
          ...options,
          ...this.given(options.signal),
          ...(session !== undefined && { session }),
          onSession: (location) => this.#sessions.note(this.client, d, location),
        },
      );
    } catch (error) {
      throw isOcilotError(error, "REGISTRY_REFUSED") ? ((await damageOf(d, read)) ?? error) : error;
    }
    await this.#sessions.finish(this.client, d);
    this.#noteBlob(d);
  }

  #noteBlob(d: Descriptor): void {
    this.known.isEmpty = false;
    this.known.addBlob(d.digest, d.size);
  }
}

/** A registry that does not take a manifest for its type (GitLab), its size, or because it has a subject (ECR: 405). */
function isRefused(error: unknown): error is OcilotError {
  return isOcilotError(error, "REGISTRY_REFUSED") && [400, 405, 413, 415, 422].includes(error.details.status);
}

/** Says that a registry deletes nothing, or gives the error as it is. */
export function refusedDelete(error: unknown, what: string, host: string): unknown {
  if (!isOcilotError(error, "REGISTRY_REFUSED") || ![400, 403, 405, 501].includes(error.details.status)) return error;
  return new OcilotError(
    "WRITE_REFUSED",
    `${host} refuses to delete ${what} (status ${error.details.status})`,
    { reason: "delete-refused" },
    { hint: "Many registries delete nothing, or only in their own interface. Nothing was changed by this request.", cause: error },
  );
}

async function allOf({ read, size }: RepeatableContent): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of read(0)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks, size));
}

function named({ descriptor, bytes }: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }): Digest[] {
  const { config, layers, manifests } = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
  return [...(config ? [config] : []), ...layers, ...manifests].map((d) => d.digest);
}

/** A registry refuses what is not of its digest; whether that is so can be found out here. */
async function damageOf(d: Descriptor, read: RepeatableContent["read"]): Promise<OcilotError | undefined> {
  const hasher = createHasher(algorithmOf(d.digest));
  let size = 0;
  try {
    for await (const chunk of read(0)) {
      hasher.update(chunk);
      size += chunk.length;
    }
  } catch (error) {
    return isOcilotError(error) ? error : undefined;
  }
  if (size !== d.size) return sizeMismatch(d, size);
  const found = hasher.digest();
  return found === d.digest ? undefined : corrupt(d, found);
}

/** A registry that says that it deletes, and does not. */
function stillThere(digest: Digest, host: string): OcilotError<"RESPONSE_INVALID"> {
  const operation = `delete manifest ${digest}`;
  const reason = "the registry says that it is deleted, and still has it";
  return new OcilotError(
    "RESPONSE_INVALID",
    `${host}: ${operation}: ${reason}`,
    { host, operation, reason },
    { hint: "Look again later: some registries delete with a delay." },
  );
}
