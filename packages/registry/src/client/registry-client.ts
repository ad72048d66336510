import type { Descriptor, Digest } from "@ocilot/layout/spec";
import { deleteBlob, headBlob, ping } from "./blob-requests.js";
import type { Caller } from "./caller.js";
import { downloadBlob } from "./download-blob.js";
import { getBlob, getBlobBytes } from "./get-blob.js";
import { listReferrers } from "./list-referrers.js";
import { listTags } from "./list-tags.js";
import { deleteManifest, getManifest, headManifest, putManifest } from "./manifest-requests.js";
import { mountBlob } from "./mount-blob.js";
import { pushBlob } from "./push-blob.js";
import type {
  DownloadBlobOptions,
  FetchedManifest,
  GetBlobOptions,
  ListReferrersOptions,
  ListTagsOptions,
  ManifestHead,
  OperationOptions,
  PushBlobOptions,
  PushBlobResult,
  PutManifestOptions,
  PutManifestResult,
  ReferrersAnswer,
  ReplayableSource,
  RepositoryClient,
} from "./types.js";
import { cancelUpload, uploadStatus } from "./upload-session.js";

/** The client of one repository over HTTP; made by `RegistrySession.repository`. */
export class RegistryClient implements RepositoryClient {
  readonly host: string;
  readonly repository: string;
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
    this.host = caller.host;
    this.repository = caller.repository;
  }

  async ping(options: OperationOptions = {}): Promise<void> {
    return ping(this.#caller, options);
  }

  async headManifest(reference: string, options: OperationOptions = {}): Promise<ManifestHead | undefined> {
    return headManifest(this.#caller, reference, options);
  }

  async getManifest(reference: string, options: OperationOptions = {}): Promise<FetchedManifest> {
    return getManifest(this.#caller, reference, options);
  }

  async putManifest(reference: string, bytes: Uint8Array, options: PutManifestOptions): Promise<PutManifestResult> {
    return putManifest(this.#caller, reference, bytes, options);
  }

  async deleteManifest(reference: string, options: OperationOptions = {}): Promise<boolean> {
    return deleteManifest(this.#caller, reference, options);
  }

  async headBlob(digest: Digest, options: OperationOptions = {}): Promise<number | undefined> {
    return headBlob(this.#caller, digest, options);
  }

  getBlob(descriptor: Descriptor, options: GetBlobOptions & { readonly offset?: number } = {}): AsyncIterable<Uint8Array> {
    return getBlob(this.#caller, descriptor, options);
  }

  async getBlobBytes(descriptor: Descriptor, options: OperationOptions & { readonly maxBytes?: number } = {}): Promise<Uint8Array> {
    return getBlobBytes(this.#caller, descriptor, options);
  }

  async downloadBlob(descriptor: Descriptor, file: string, options: DownloadBlobOptions = {}): Promise<void> {
    return downloadBlob(this.#caller, descriptor, file, options);
  }

  async pushBlob(descriptor: Descriptor, source: ReplayableSource, options: PushBlobOptions = {}): Promise<PushBlobResult> {
    return pushBlob(this.#caller, descriptor, source, options);
  }

  async mountBlob(digest: Digest, from: string, options: OperationOptions = {}): Promise<boolean> {
    return mountBlob(this.#caller, { digest, from, signal: options.signal });
  }

  async deleteBlob(digest: Digest, options: OperationOptions = {}): Promise<boolean> {
    return deleteBlob(this.#caller, digest, options);
  }

  async uploadStatus(
    session: string,
    options: OperationOptions = {},
  ): Promise<{ readonly received: number; readonly session: string } | undefined> {
    return uploadStatus(this.#caller, session, options);
  }

  async cancelUpload(session: string, options: OperationOptions = {}): Promise<void> {
    return cancelUpload(this.#caller, session, options);
  }

  async listTags(options: ListTagsOptions = {}): Promise<readonly string[] | undefined> {
    return listTags(this.#caller, options);
  }

  async listReferrers(subject: Digest, options: ListReferrersOptions = {}): Promise<ReferrersAnswer> {
    return listReferrers(this.#caller, subject, options);
  }
}
