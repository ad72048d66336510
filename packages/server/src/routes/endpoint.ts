import { type Digest, isDigest } from "@ocilot/layout";
import type { Right } from "../access/access-rules.js";
import type { Identity } from "../access/identity.js";
import type { Answer } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import type { RegistryRequest } from "../protocol/request.js";
import type { Metrics } from "../observe/metrics.js";
import type { ServerLimits } from "../options.js";
import type { Repositories } from "../repositories/repositories.js";
import { isTag } from "../repositories/repository-name.js";
import type { Repository } from "../repositories/repository.js";
import type { UploadSession } from "../uploads/upload-session.js";
import type { Uploads } from "../uploads/uploads.js";
import type { Route } from "./match-route.js";

/** What every endpoint has at hand. */
export interface RegistryParts {
  readonly repositories: Repositories;
  readonly uploads: Uploads;
  readonly limits: ServerLimits;
  readonly metrics: Metrics;
  readonly mayWrite: boolean;
  readonly mayDelete: boolean;
  /** A token for somebody; absent where every client has to have an account, or nobody has one. */
  readonly issueToken: ((who: Exclude<Identity, { kind: "refused" }>) => string) | undefined;
  /** Tells whether the server still takes requests, and why not. */
  health(): { readonly ok: boolean; readonly reason?: string };
  /** Tells whether somebody may do something; used where an answer depends on more than one repository. */
  isAllowed(who: Identity, right: Right, repository: string): boolean;
}

/** A request that may be answered: where it goes, who sent it, and the right has been checked. */
export interface Exchange {
  readonly request: RegistryRequest;
  readonly route: Route;
  readonly who: Identity;
  readonly parts: RegistryParts;
}

/** Answers one kind of request. @throws RegistryError what is to be answered instead */
export type Endpoint = (exchange: Exchange) => Promise<Answer>;

/** The repository of the request. @throws RegistryError `NAME_UNKNOWN` */
export async function repositoryOf({ parts, route }: Exchange): Promise<Repository> {
  const repository = await parts.repositories.find(route.name);
  if (repository === undefined) throw new RegistryError("NAME_UNKNOWN", `${route.name}: no such repository`);
  return repository;
}

/** As {@link repositoryOf}, for a push: one that is not there is made. @throws RegistryError `NAME_INVALID`, `DENIED` */
export async function repositoryToWrite({ parts, route }: Exchange): Promise<Repository> {
  const repository = await parts.repositories.obtain(route.name);
  if (!repository.isWritable) throw archiveRefused(repository);
  return repository;
}

/** The upload at the end of the path; nothing is made. @throws RegistryError `NAME_UNKNOWN`, `DENIED`, `BLOB_UPLOAD_UNKNOWN` */
export async function uploadOf(exchange: Exchange): Promise<UploadSession> {
  const repository = await repositoryOf(exchange);
  if (!repository.isWritable) throw archiveRefused(repository);
  return await exchange.parts.uploads.get(repository, exchange.route.reference);
}

/** An archive is never written into. */
export function archiveRefused({ name }: Repository): RegistryError {
  return new RegistryError("DENIED", `${name} is an archive and cannot be written`);
}

/** The digest at the end of the path. @throws RegistryError `DIGEST_INVALID` */
export function digestOfRoute({ route }: Exchange): Digest {
  if (isDigest(route.reference)) return route.reference;
  throw new RegistryError("DIGEST_INVALID", `${JSON.stringify(route.reference.slice(0, 100))} is not a digest`);
}

/**
 * The tag or the digest at the end of the path.
 * @throws RegistryError `DIGEST_INVALID` for what has a colon, `MANIFEST_INVALID` with status 400 or `MANIFEST_UNKNOWN` for what is no
 * tag, as the request writes or reads
 */
export function referenceOfRoute(exchange: Exchange): { readonly tag: string } | { readonly digest: Digest } {
  const { reference } = exchange.route;
  if (reference.includes(":")) return { digest: digestOfRoute(exchange) };
  if (isTag(reference)) return { tag: reference };
  const isReading = exchange.request.method === "GET" || exchange.request.method === "HEAD";
  throw new RegistryError(isReading ? "MANIFEST_UNKNOWN" : "MANIFEST_INVALID", `${JSON.stringify(reference.slice(0, 150))} is not a tag`);
}
