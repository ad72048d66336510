import type { Descriptor, Digest } from "@ocilot/layout/spec";

/** Options of every operation. */
export interface OperationOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The response headers for a manifest. */
export interface ManifestHead {
  /** `Content-Type` without parameters. */
  readonly mediaType: string;
  /** In bytes; absent where the registry sends no `Content-Length`. */
  readonly size?: number;
  /** `Docker-Content-Digest`; absent where the registry sends none. Not checked against any content. */
  readonly digest?: Digest;
  readonly etag?: string;
}

/** A manifest whose digest was computed from its bytes. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly etag?: string;
}

/** How a manifest is stored. */
export interface PutManifestOptions extends OperationOptions {
  readonly mediaType: string;
  /** Sent as `If-Match`; a registry that honours it answers 412, which is `REGISTRY_REFUSED` with `status` 412. */
  readonly ifMatch?: string;
  /** Sent as `If-None-Match: *`: store only if there is none yet. */
  readonly ifNoneMatch?: "*";
}

/** The response to a stored manifest. */
export interface PutManifestResult {
  readonly digest: Digest;
  /** `OCI-Subject`: the registry claims to list this manifest as a referrer of that one. ECR sends it without listing. */
  readonly subject?: Digest;
  readonly etag?: string;
}

/**
 * Content that can be read more than once and from any byte on, so that an upload which breaks off is sent again.
 * `read` is called anew for each attempt. A chunk need be valid only until the next one is asked for.
 */
export interface ReplayableSource {
  read(offset: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** How a blob is read. */
export interface GetBlobOptions extends OperationOptions {
  /** Called with the number of bytes that arrived; negative where bytes are fetched again. */
  readonly onBytes?: (count: number) => void;
  /**
   * Whether size and digest are checked while the content passes; true by default. False only for a caller that checks them
   * itself, so that no byte is hashed twice.
   */
  readonly verify?: boolean;
}

/** How a blob is uploaded. */
export interface PushBlobOptions extends OperationOptions {
  /** Called with the number of bytes sent; negative where bytes are sent again. */
  readonly onBytes?: (count: number) => void;
  /** Repositories of the same registry that may hold the blob: asks to mount it from the first before uploading. */
  readonly mountFrom?: string;
  /** The upload session of an earlier process, to go on from what the registry kept. A dead session is no error. */
  readonly session?: string;
  /** Called with the address of each upload session, for a later {@link PushBlobOptions.session}. It may hold a secret. */
  readonly onSession?: (location: string) => void;
}

/** How a blob came into the repository, and how many bytes of it were sent. */
export interface PushBlobResult {
  readonly how: "uploaded" | "mounted";
  readonly sentBytes: number;
}

/** Downloaded content of a blob in a file. */
export interface DownloadBlobOptions extends OperationOptions {
  /** Called with the number of bytes that arrived, or were found in the file at the start; negative where they are thrown away. */
  readonly onBytes?: (count: number) => void;
  /** Whether the file is synced before it counts as whole; false by default. */
  readonly sync?: boolean;
}

/** Which tags to list. */
export interface ListTagsOptions extends OperationOptions {
  /** Tags per request; 1,000 by default, which is the most that ECR accepts. */
  readonly pageSize?: number;
  /** More tags than this are `LIMIT_EXCEEDED`; 1,000,000 by default. */
  readonly limit?: number;
}

/** Which referrers to list. */
export interface ListReferrersOptions extends OperationOptions {
  /** Asks the registry to filter; the answer is filtered here where it did not. */
  readonly artifactType?: string;
  /** More referrers than this are `LIMIT_EXCEEDED`; 1,000,000 by default. */
  readonly limit?: number;
}

/** What the Referrers API said. */
export type ReferrersAnswer =
  | {
      readonly hasApi: true;
      /** Every page, in the registry's order, members that ocilot does not know included. */
      readonly referrers: readonly Descriptor[];
      /** Whether the registry applied the filter itself. */
      readonly isFiltered: boolean;
    }
  | {
      readonly hasApi: false;
      /** What came instead, for a person: `404`, `200 text/html`, … */
      readonly reason: string;
    };

/**
 * One repository of a registry: one method per operation of the distribution specification. Requests are authenticated, retried and
 * limited by the options of the session.
 *
 * Every method may throw OcilotError `AUTH_FAILED`, `NETWORK_ERROR`, `REGISTRY_REFUSED`, `RESPONSE_INVALID`, `LIMIT_EXCEEDED`,
 * `CREDENTIALS_UNAVAILABLE` and `ABORTED`. What is named with a method comes on top.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export interface RepositoryClient {
  /** As in a reference: `docker.io`, `localhost:5000`. */
  readonly host: string;
  readonly repository: string;

  /** Checks that the host answers the distribution API. Nothing else needs it to have been called. */
  ping(options?: OperationOptions): Promise<void>;

  /** Asks for a manifest by tag or digest without its content; undefined where there is none. */
  headManifest(reference: string, options?: OperationOptions): Promise<ManifestHead | undefined>;
  /**
   * Fetches a manifest by tag or digest, up to 8 MiB. The digest is computed here and checked against the asked one and against
   * `Docker-Content-Digest`; its own `mediaType` must be the `Content-Type`.
   * @throws OcilotError `REF_NOT_FOUND` for a tag, `BLOB_NOT_FOUND` for a digest, `BLOB_CORRUPT`, `DOCUMENT_INVALID`
   */
  getManifest(reference: string, options?: OperationOptions): Promise<FetchedManifest>;
  /**
   * Stores a manifest under a tag or under its digest.
   * @throws OcilotError `BLOB_CORRUPT` where the registry stored something else
   */
  putManifest(reference: string, bytes: Uint8Array, options: PutManifestOptions): Promise<PutManifestResult>;
  /** Deletes a tag, or a manifest with all its tags; returns false where there was none. Many registries refuse to. */
  deleteManifest(reference: string, options?: OperationOptions): Promise<boolean>;

  /** The size of a blob in bytes, -1 where the registry does not say, undefined where it has none of that digest. */
  headBlob(digest: Digest, options?: OperationOptions): Promise<number | undefined>;
  /**
   * Streams a blob, from byte `offset` on if that is given. A connection that breaks is taken up again with `Range`.
   * The content is checked at its end when it is read from the start: a stream of damaged content ends with `BLOB_CORRUPT` after its bytes have been
   * given away, and they are not to be used. {@link getBlobBytes}, {@link downloadBlob} and `open` of a repository as a layout check first and fetch again.
   * @throws OcilotError `BLOB_NOT_FOUND` before the first byte; `SIZE_MISMATCH`, `BLOB_CORRUPT` while it is read
   */
  getBlob(descriptor: Descriptor, options?: GetBlobOptions & { readonly offset?: number }): AsyncIterable<Uint8Array>;
  /**
   * Fetches a small blob whole and checked; one that arrives damaged is fetched once more.
   * @param options `maxBytes`: larger ones are `LIMIT_EXCEEDED`; 8 MiB by default
   * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `BLOB_CORRUPT`
   */
  getBlobBytes(descriptor: Descriptor, options?: OperationOptions & { readonly maxBytes?: number }): Promise<Uint8Array>;
  /**
   * Downloads a blob into a file, checked, in one pass without stream stages. What the file holds already is taken for the first bytes of
   * the blob and kept; a blob that is damaged at its end is fetched once more from the start. After a failure the file
   * holds what arrived, for the next call.
   * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `BLOB_CORRUPT`, `IO_ERROR`
   */
  downloadBlob(descriptor: Descriptor, file: string, options?: DownloadBlobOptions): Promise<void>;
  /**
   * Uploads a blob: one PUT from the source, in chunks where the registry asks for them or refuses the PUT for its size. An upload
   * that breaks off goes on from what the registry kept, or starts over.
   * @throws OcilotError what the source throws
   */
  pushBlob(descriptor: Descriptor, source: ReplayableSource, options?: PushBlobOptions): Promise<PushBlobResult>;
  /** Makes a blob of another repository of this registry available here; false where the registry does not. */
  mountBlob(digest: Digest, from: string, options?: OperationOptions): Promise<boolean>;
  /** Deletes a blob; returns false where there was none. */
  deleteBlob(digest: Digest, options?: OperationOptions): Promise<boolean>;

  /** How many bytes of an upload the registry holds, and where it goes on; undefined where the session is gone. */
  uploadStatus(session: string, options?: OperationOptions): Promise<{ readonly received: number; readonly session: string } | undefined>;
  /** Ends an upload session; a registry that cannot is no error. */
  cancelUpload(session: string, options?: OperationOptions): Promise<void>;

  /** Every tag, in the registry's order and without repetition; undefined where the registry knows no such repository. */
  listTags(options?: ListTagsOptions): Promise<readonly string[] | undefined>;
  /**
   * Every referrer that the Referrers API lists. Anything but 200 with an image index means that there is no API; failing to
   * authenticate, to connect, or a server error after all retries is an error and never an empty list.
   */
  listReferrers(subject: Digest, options?: ListReferrersOptions): Promise<ReferrersAnswer>;
}
