import { type Digest, OcilotError } from "@ocilot/layout/spec";
import { networkError } from "../transport/errors.js";
import type { Caller, Place } from "./caller.js";
import { type UploadSession, cancelSession, newSession, startCall } from "./upload-session.js";

/** What is to be mounted from where. */
export interface MountRequest {
  readonly digest: Digest;
  readonly from: string;
  readonly signal: AbortSignal | undefined;
}

/** @see RepositoryClient.mountBlob */
export async function mountBlob(caller: Caller, request: MountRequest): Promise<boolean> {
  const place = await caller.origin();
  const session = await requestMount(caller, place, request);
  if (session !== "mounted" && session !== undefined) await cancelSession(caller, place, { url: session.url, signal: request.signal });
  return session === "mounted";
}

/** Asks to mount a blob: a session is the registry's way to say no; undefined where it refuses in another way. */
export async function requestMount(
  caller: Caller,
  place: Place,
  { digest, from, signal }: MountRequest,
): Promise<UploadSession | "mounted" | undefined> {
  const call = startCall(digest, { from, signal });
  const backoff = caller.transport.backoff();
  for (;;) {
    const outcome = await caller.attempt(place, call).catch((error: Error) => error);
    if (!(outcome instanceof Error)) outcome.body.discard();
    if (await backoff.next(outcome, signal)) continue;
    if (outcome instanceof Error) {
      // Without the right to read the other repository, the blob is uploaded.
      if (outcome instanceof OcilotError && outcome.code === "AUTH_FAILED") return undefined;
      throw networkError(outcome, caller.label(call.operation), backoff.attempts);
    }
    if (outcome.status === 201) return "mounted";
    return outcome.status === 202 ? newSession(caller, place, { answer: outcome, operation: call.operation }) : undefined;
  }
}
