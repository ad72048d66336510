import { type Digest, IMAGE_INDEX, OcilotError, isOcilotError } from "@ocilot/layout/spec";
import { referrersTag } from "@ocilot/referrers";
import type { FetchedManifest, RepositoryClient } from "../client/types.js";
import type { Environment } from "../environment.js";
import { type ListChange, changedList, hasChange } from "./referrer-list.js";
import { SETTLE_DELAYS, waitAbout } from "./settle.js";
import { withSubjectLock } from "./subject-lock.js";

/** Rounds of writing over each other with other clients before it is given up. */
const MAX_ROUNDS = 40;

/** How a change is written and looked at again. */
export interface WriteListOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds before each further look; by default 50, 100, 200 and 400. */
  readonly delays?: readonly number[];
  /** Instead of `process.env`: where processes lock a list. */
  readonly env?: Environment;
}

/**
 * Makes a change to the list of referrers that a registry without the Referrers API keeps under a tag. A tag has no compare-and-swap in most
 * registries, so other clients may write over it: the list is read back after the write, and again after 50, 100, 200 and 400 ms; whenever the
 * change is not in it, it is merged anew into what is there. Returns only when every look has found it. A crash leaves the old list or the new one.
 * @throws OcilotError `WRITE_REFUSED` where the tag is on something else or others write over it for ever, and what the registry answers
 */
export async function writeList(
  client: RepositoryClient,
  subject: Digest,
  change: ListChange,
  options: WriteListOptions = {},
): Promise<void> {
  const tag = referrersTag(subject);
  const words = [client.host, client.repository, tag];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    await withSubjectLock(words, options.env ?? process.env, async () => await mergeList(client, tag, change, options));
    if (await stands(client, tag, change, options)) return;
  }
  throw new OcilotError(
    "WRITE_REFUSED",
    `${client.host}: other clients keep writing over the list of referrers ${tag} of ${client.repository}`,
    { reason: "list-contended" },
    { hint: "The manifests are stored; run the command again when the other clients are done." },
  );
}

/** Reads, merges and writes until the list that is read back has the change. */
async function mergeList(client: RepositoryClient, tag: string, change: ListChange, { signal }: WriteListOptions): Promise<void> {
  const given = signal && { signal };
  let current = await getList(client, tag, signal);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const text = changedList(current, tag, change);
    if (text === undefined) return;
    try {
      await client.putManifest(tag, new TextEncoder().encode(text), { mediaType: IMAGE_INDEX, ...condition(current), ...given });
    } catch (error) {
      // Somebody else was faster, in a registry that says so; or the registry does not see yet what has just been pushed.
      if (!isRetried(error)) throw error;
      await waitAbout(20 * Math.min(round + 1, 10), signal);
    }
    current = await getList(client, tag, signal);
    if (hasChange(current, tag, change)) return;
  }
}

/** Looks again and again; false as soon as one look does not find the change. */
async function stands(client: RepositoryClient, tag: string, change: ListChange, options: WriteListOptions): Promise<boolean> {
  for (const delay of options.delays ?? SETTLE_DELAYS) {
    await waitAbout(delay, options.signal);
    if (!hasChange(await getList(client, tag, options.signal), tag, change)) return false;
  }
  return true;
}

/** Undefined where there is none; an error of the server is an error, and no empty list. */
async function getList(client: RepositoryClient, tag: string, signal: AbortSignal | undefined): Promise<FetchedManifest | undefined> {
  try {
    return await client.getManifest(tag, signal && { signal });
  } catch (error) {
    if (isOcilotError(error, "REF_NOT_FOUND")) return undefined;
    throw error;
  }
}

function condition(current: FetchedManifest | undefined): { ifMatch?: string; ifNoneMatch?: "*" } {
  if (current === undefined) return { ifNoneMatch: "*" };
  return current.etag === undefined ? {} : { ifMatch: current.etag };
}

function isRetried(error: unknown): boolean {
  if (!isOcilotError(error, "REGISTRY_REFUSED")) return false;
  const { status, registryCode } = error.details;
  return status === 412 || status === 409 || registryCode === "MANIFEST_BLOB_UNKNOWN";
}
