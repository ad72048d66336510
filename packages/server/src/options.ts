import type { AccessRule } from "./access/access-rules.js";
import type { Answer } from "./protocol/answer.js";
import type { RegistryRequest } from "./protocol/request.js";
import type { AccessRecord } from "./observe/access-record.js";
import type { Repository } from "./repositories/repository.js";

/** What bounds a server's work. */
export interface ServerLimits {
  /** Bytes of a manifest: 4 MiB, the least that the specification expects. */
  readonly maxManifestBytes: number;
  /** Bytes of a blob: 64 GiB. */
  readonly maxBlobBytes: number;
  /** Uploads that may be open at once: 1,000. */
  readonly maxUploads: number;
  /** Milliseconds after which an upload that nobody goes on with is removed: an hour. */
  readonly uploadIdle: number;
  /** Milliseconds after which an upload is removed in any case: a day. */
  readonly uploadAge: number;
  /** Bytes that uploads leave free on the disk: 256 MiB. */
  readonly minDiskFree: number;
  /** Milliseconds for the headers of a request: 10,000. */
  readonly headersTimeout: number;
  /** Milliseconds without a byte after which a connection is closed: 60,000. */
  readonly idleTimeout: number;
  /** Milliseconds for the body of a manifest: 60,000. */
  readonly manifestTimeout: number;
  /** Connections at once: 4,096. */
  readonly maxConnections: number;
  /** Tags, or names of repositories, in one answer: 10,000. */
  readonly maxPage: number;
  /** Bytes of a page of referrers: 4,000,000, as clients read no manifest beyond 4 MiB. */
  readonly maxReferrersBytes: number;
}

/** The limits of a server where none are given. */
export const DEFAULT_LIMITS: ServerLimits = {
  maxManifestBytes: 4 << 20,
  maxBlobBytes: 64 * 2 ** 30,
  maxUploads: 1000,
  uploadIdle: 3_600_000,
  uploadAge: 86_400_000,
  minDiskFree: 256 << 20,
  headersTimeout: 10_000,
  idleTimeout: 60_000,
  manifestTimeout: 60_000,
  maxConnections: 4096,
  maxPage: 10_000,
  maxReferrersBytes: 4_000_000,
};

/** Answers what no route of the registry matches, such as `/`; undefined for what it has nothing for. */
export type PageHandler = (request: RegistryRequest, exchange: PageContext) => Promise<Answer | undefined>;

/** What a page may know of the server. */
export interface PageContext {
  /** The names of the repositories that the client may read. */
  names(): Promise<readonly string[]>;
  /** A repository that the client may read; undefined for any other. */
  repository(name: string): Promise<Repository | undefined>;
}

/** What a registry does and for whom. */
export interface RegistryOptions {
  /** The repository name of a single layout; taken from the names in it, or from its path, unless given. */
  readonly name?: string;
  /** Take pushes; without it everything is read-only (default: only in memory). */
  readonly writable?: boolean;
  /** Delete manifests, tags and blobs when asked to; needs `writable`. */
  readonly delete?: boolean;
  /** `false` does not wait for the disk before a push is acknowledged: faster, and lost on power failure. */
  readonly sync?: boolean;
  /** Accounts, as the text of an htpasswd file with bcrypt hashes. */
  readonly htpasswd?: string;
  /** Rights to repositories; without any, every account may do everything, or everybody where there are no accounts. */
  readonly access?: readonly AccessRule[];
  /** Milliseconds that a push waits for other programs that write to the same layout (default: 30,000). */
  readonly lockWait?: number;
  readonly limits?: Partial<ServerLimits>;
  /** Handles what is not of the registry: a page for people. */
  readonly pages?: PageHandler;
  /** Called for every request when it is over. */
  readonly log?: (record: AccessRecord) => void;
}
