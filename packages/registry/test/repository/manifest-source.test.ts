import { IMAGE_MANIFEST, OcilotError, digestOf } from "@ocilot/layout";
import { expect, test } from "vitest";
import type { RepositoryClient } from "../../src/client/types.js";
import { KnownContent } from "../../src/repository/known-content.js";
import { ManifestCache } from "../../src/repository/manifest-cache.js";
import { ManifestSource } from "../../src/repository/manifest-source.js";

const bytes = new TextEncoder().encode('{"schemaVersion":2,"config":{"digest":"sha256:00","size":1},"layers":[]}');
const digest = digestOf(bytes);

/** A source, and what its registry was asked; each answer is given by the test, or ends with the signal. */
function asked(session?: AbortSignal) {
  const requests: { answer: () => void }[] = [];
  const client = {
    getManifest: async (_: string, { signal }: { signal?: AbortSignal }) =>
      await new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(new OcilotError("ABORTED", "interrupted", {})));
        requests.push({ answer: () => resolve({ descriptor: { mediaType: IMAGE_MANIFEST, digest, size: bytes.length }, bytes }) });
      }),
  } as unknown as RepositoryClient;
  const known = new KnownContent();
  known.isEmpty = false;
  return { requests, source: new ManifestSource({ client, known, cache: new ManifestCache(), signal: session }) };
}

test("a manifest that several ask for is fetched once", async () => {
  const { requests, source } = asked();
  const both = [source.fetch(digest), source.fetch(digest)];
  requests[0]!.answer();
  expect(await Promise.all(both)).toEqual([bytes, bytes]);
  expect(requests).toHaveLength(1);
});

test("who asked first and was interrupted takes nothing from who waits, unless all were", async () => {
  const [session, first] = [new AbortController(), new AbortController()];
  const { requests, source } = asked(session.signal);
  const [interrupted, waiting, other] = [source.fetch(digest, first.signal), source.fetch(digest), source.fetch(digest)];
  first.abort();
  await expect(interrupted).rejects.toMatchObject({ code: "ABORTED" });
  await expect.poll(() => requests.length).toBe(2);
  requests[1]!.answer();
  expect(await Promise.all([waiting, other])).toEqual([bytes, bytes]);
  expect(requests).toHaveLength(2);

  const again = [source.fetch(digest), source.fetch(digest)];
  session.abort();
  for (const fetch of again) await expect(fetch).rejects.toMatchObject({ code: "ABORTED" });
  expect(requests).toHaveLength(3);
});
