import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Layout } from "@ocilot/layout";
import { openView, readGraph, verifyLayout } from "@ocilot/referrers";
import { expect, test } from "vitest";
import { type Worker, startWorker } from "./harness/run-worker.js";
import { LONG, tempRoot } from "./harness/temp.js";

const KILLS = LONG ? 200 : 20;
const CLIENTS = 8;
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const EMPTY = "application/vnd.oci.empty.v1+json";

const root = tempRoot();

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

interface Client {
  /** What its content is made of, and its tag. */
  readonly seed: string;
  readonly isKilled: () => boolean;
}

/** What the server has said is done. */
interface Acknowledged {
  readonly tags: Map<string, string>;
  readonly referrers: Set<string>;
}

/**
 * Pushes a blob, an image that has it under a tag, and a referrer of that image, again and again, until the server is killed.
 * @throws Error if the server answers anything but 201 before that, or does not answer
 */
async function load(url: string, name: string, acknowledged: Acknowledged, { seed, isKilled }: Client): Promise<void> {
  const put = async (path: string, body: string, type: string): Promise<boolean> => {
    const method = path.startsWith("blobs") ? "POST" : "PUT";
    try {
      const response = await fetch(`${url}/v2/${name}/${path}`, { method, body, headers: { "content-type": type } });
      const text = await response.text();
      if (response.status === 201) return true;
      throw new Error(`${method} ${path} was answered ${response.status} ${text}`);
    } catch (error) {
      if (isKilled()) return false;
      throw error;
    }
  };
  for (let i = 0; ; i++) {
    const content = `${seed}-${i}`;
    const blob = { mediaType: EMPTY, digest: digestOf(content), size: content.length };
    if (!(await put(`blobs/uploads/?digest=${blob.digest}`, content, "application/octet-stream"))) return;
    const image = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: blob, layers: [blob] });
    if (!(await put(`manifests/${seed}`, image, MANIFEST))) return;
    acknowledged.tags.set(seed, digestOf(image));
    const subject = { mediaType: MANIFEST, digest: digestOf(image), size: image.length };
    const referrer = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: "application/x",
      config: blob,
      layers: [],
      subject,
    });
    if (!(await put(`manifests/${digestOf(referrer)}`, referrer, MANIFEST))) return;
    acknowledged.referrers.add(`${subject.digest} ${digestOf(referrer)}`);
  }
}

test(
  `${KILLS} times killed under load: every push that was acknowledged is there, and none half`,
  { timeout: LONG ? 14_400_000 : 1_800_000 },
  async () => {
    const acknowledged: Acknowledged = { tags: new Map(), referrers: new Set() };
    const folder = join(root, "store");
    mkdirSync(folder);
    let upload: { location: string; sent: number } | undefined;
    for (let round = 0; round < KILLS; round++) {
      const worker: Worker = startWorker("serve-worker.mjs", [folder]);
      const url = (await worker.said("at ")).slice("at ".length);
      upload = await resumed(url, upload, round);
      const killed = new AbortController();
      const clients = Promise.all(
        Array.from({ length: CLIENTS }, async (_, i) => {
          await load(url, "app", acknowledged, { seed: `r${round}-c${i}`, isKilled: () => killed.signal.aborted });
        }),
      );
      const wanted = acknowledged.referrers.size + Math.ceil(Math.random() * 12);
      const enough = (async () => {
        while (acknowledged.referrers.size < wanted && !killed.signal.aborted) await sleep(5);
        await sleep(Math.random() * 30);
      })();
      try {
        await Promise.race([enough, clients]);
      } finally {
        killed.abort();
        worker.child.kill("SIGKILL");
      }
      await Promise.all([worker.end, clients]);

      const layout = await Layout.open(join(folder, "app"));
      const { entries } = await layout.index.read();
      const tags = new Map(entries.flatMap((e) => (e.tag === undefined ? [] : [[e.tag, e.descriptor.digest as string]])));
      const graph = await readGraph(await openView(layout));
      const links = new Set(graph.edges().map((e) => `${e.subject} ${e.referrer.digest}`));
      // A tag may be one push ahead of what was acknowledged, but the image that was is listed all the same.
      const listed = new Set(entries.map((e) => e.descriptor.digest as string));
      for (const [tag, digest] of acknowledged.tags) expect([tags.has(tag), listed.has(digest)], `${round} ${tag}`).toEqual([true, true]);
      for (const link of acknowledged.referrers) expect(links.has(link), `${round} ${link}`).toBe(true);
      for (const { descriptor } of entries) {
        const bytes = readFileSync(join(folder, "app", "blobs", "sha256", descriptor.digest.slice(7)), "utf8");
        expect(digestOf(bytes)).toBe(descriptor.digest);
      }
    }
    expect(acknowledged.referrers.size).toBeGreaterThan(KILLS);
    const { findings } = await verifyLayout(await Layout.open(join(folder, "app")));
    // A push that was cut between storing and recording was not acknowledged; its client sends it again.
    const bad = findings.filter((f) => f.severity === "error" && f.code !== "REFERRER_UNLISTED");
    expect(bad.map((f) => `${f.code} ${f.message}`)).toEqual([]);
  },
);

/** Goes on with an upload that the killed server had begun: whatever it acknowledged is there. */
async function resumed(
  url: string,
  upload: { location: string; sent: number } | undefined,
  round: number,
): Promise<{ location: string; sent: number }> {
  const chunk = "x".repeat(1000 + round);
  if (upload === undefined) {
    const begun = await fetch(`${url}/v2/app/blobs/uploads/`, { method: "POST" });
    upload = { location: begun.headers.get("location")!, sent: 0 };
  } else {
    const status = await fetch(url + upload.location);
    expect([status.status, status.headers.get("range")], `round ${round}`).toEqual([204, `0-${upload.sent - 1}`]);
  }
  const reply = await fetch(url + upload.location, { method: "PATCH", body: chunk });
  expect(reply.status).toBe(202);
  return { location: upload.location, sent: upload.sent + chunk.length };
}
