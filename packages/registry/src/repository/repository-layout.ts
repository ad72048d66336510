import { type Descriptor, Layout } from "@ocilot/layout";
import type { RepositoryClient } from "../client/types.js";
import type { Environment } from "../environment.js";
import { KnownContent } from "./known-content.js";
import { ManifestCache } from "./manifest-cache.js";
import type { RecordOptions } from "./record-referrers.js";
import { RepositoryBlobs } from "./repository-blobs.js";
import type { RepositoryFocus } from "./repository-focus.js";
import { RepositoryIndex } from "./repository-index.js";
import { UploadSessions } from "./upload-sessions.js";

/** How a repository shows itself as a layout. */
export interface RepositoryLayoutOptions {
  /** What is looked at; every tag by default, which takes a request for each. */
  readonly focus?: RepositoryFocus;
  /** How referrers are recorded. */
  readonly record?: RecordOptions;
  /** Fail where the registry knows no such repository; by default that is an empty one, which the first push makes. */
  readonly mustExist?: boolean;
  /** Ends whatever the layout asks of the registry. */
  readonly signal?: AbortSignal;
  /** Instead of `process.env`: where processes lock lists of referrers and keep the addresses of uploads. */
  readonly env?: Environment;
  /** Ends what the client holds open when the layout is closed. */
  readonly close?: () => Promise<void>;
}

const MARKER = '{"imageLayoutVersion":"1.0.0"}';

/**
 * A repository of a registry as a layout. Its `index.json` holds what is in focus: a tagged entry for each tag, and an untagged one for each
 * referrer that the Referrers API, a list under a referrers tag or a tag of cosign's names; `origin` tells which. It is asked for once, when it is
 * first needed.
 * @example
 * ```ts
 * import { RegistrySession, repositoryLayout } from "@ocilot/registry";
 *
 * const session = new RegistrySession();
 * const layout = repositoryLayout(session.repository("localhost:5000/app"));
 * console.log((await layout.index.read()).entries.length);
 * await session.close();
 * ```
 */
export function repositoryLayout(client: RepositoryClient, options: RepositoryLayoutOptions = {}): Layout {
  const known = new KnownContent();
  const roots = async (): Promise<Descriptor[]> => (await index.read()).entries.map((e) => e.descriptor);
  const blobs: RepositoryBlobs = new RepositoryBlobs({
    client,
    known,
    cache: new ManifestCache(),
    roots,
    sessions: new UploadSessions(options.env ?? process.env),
    signal: options.signal,
  });
  const index: RepositoryIndex = new RepositoryIndex({
    client,
    blobs,
    known,
    focus: options.focus ?? { all: true },
    record: { ...(options.env && { env: options.env }), ...options.record },
    ...(options.mustExist !== undefined && { mustExist: options.mustExist }),
    ...(options.signal && { signal: options.signal }),
  });
  return new Layout({
    location: `docker://${client.host}/${client.repository}`,
    blobs,
    index,
    marker: new TextEncoder().encode(MARKER),
    keepsEntries: false,
    ...(options.close && { close: options.close }),
  });
}
