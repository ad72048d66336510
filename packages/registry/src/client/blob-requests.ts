import type { Digest } from "@ocilot/layout/spec";
import type { Caller } from "./caller.js";
import { contentLength } from "./headers.js";
import type { OperationOptions } from "./types.js";

const SMALL_ANSWER: number = 1024 * 1024;

/** @see RepositoryClient.headBlob */
export async function headBlob(caller: Caller, digest: Digest, { signal }: OperationOptions): Promise<number | undefined> {
  const answer = await caller.read({
    operation: `look for blob ${digest}`,
    method: "HEAD",
    target: `/blobs/${digest}`,
    actions: ["pull"],
    accept: [200, 404],
    what: "answer",
    limit: 0,
    signal,
  });
  return answer.status === 404 ? undefined : (contentLength(answer) ?? -1);
}

/** @see RepositoryClient.deleteBlob */
export async function deleteBlob(caller: Caller, digest: Digest, { signal }: OperationOptions): Promise<boolean> {
  const answer = await caller.read({
    operation: `delete blob ${digest}`,
    method: "DELETE",
    target: `/blobs/${digest}`,
    actions: ["delete", "pull"],
    accept: [200, 202, 204, 404],
    what: "answer",
    limit: SMALL_ANSWER,
    hint: "Many registries do not allow blobs to be deleted; their garbage collection does.",
    signal,
  });
  return answer.status !== 404;
}

/** @see RepositoryClient.ping */
export async function ping(caller: Caller, { signal }: OperationOptions): Promise<void> {
  const { endpoint } = await caller.origin();
  await caller.read({
    operation: "check that this is a registry",
    method: "GET",
    target: new URL("/v2/", endpoint.url),
    actions: [],
    accept: [200],
    what: "answer",
    limit: SMALL_ANSWER,
    hint: "This host does not answer the OCI distribution API.",
    signal,
  });
}
