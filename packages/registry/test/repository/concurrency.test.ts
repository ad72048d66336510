import { rmSync } from "node:fs";
import { attach, listReferrers } from "@ocilot/referrers";
import { openRepository } from "@ocilot/registry";
import { LayoutBuilder, type RegistryQuirks, startTestRegistry } from "@ocilot/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pushContent } from "./push-content.js";
import { attachFromMany, bundleWorker } from "./run-worker.js";

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker();
});
afterAll(() => rmSync(worker.directory, { recursive: true, force: true }));

function oneImage(): { content: LayoutBuilder; subject: ReturnType<LayoutBuilder["image"]> } {
  const content = new LayoutBuilder();
  const subject = content.image();
  return { content: content.entry(subject, { tag: "v1" }), subject };
}

async function found(host: string, subject: ReturnType<LayoutBuilder["image"]>["digest"]): Promise<string[]> {
  await using layout = await openRepository(`${host}/race:v1`);
  const digests: string[] = [];
  for await (const referrer of listReferrers(layout, subject)) digests.push(referrer.descriptor.digest);
  return digests;
}

const SERVERS: Readonly<Record<string, RegistryQuirks>> = {
  "with the Referrers API": {},
  "with an API that loses every third referrer": { losesReferrerEvery: 3 },
  "without it": { referrers: 404, etag: "ignored", errorsAfterRewrite: 1 },
  "without it, where ETags count": { referrers: 404, etag: "enforced" },
};

describe.each(Object.entries(SERVERS))("8 processes that attach 10 referrers each, to a registry %s", (_, quirks) => {
  test("80 of 80 are found", async () => {
    const registry = await startTestRegistry({ quirks: { ...quirks } });
    try {
      const { content, subject } = oneImage();
      pushContent(registry, "race", content, quirks);
      const said = await attachFromMany(worker.script, `${registry.host}/race:v1`, 8, 10);
      expect(new Set(said).size).toBe(80);
      expect((await found(registry.host, subject.digest)).toSorted()).toEqual(said.toSorted());
    } finally {
      await registry.close();
    }
  });
});

test("what one process attaches at once becomes few writes of the list", async () => {
  const registry = await startTestRegistry({ quirks: { referrers: 404 } });
  try {
    const { content, subject } = oneImage();
    pushContent(registry, "race", content);
    await using layout = await openRepository(`${registry.host}/race:v1`, { record: { delays: [1, 1] } });
    const names = Array.from({ length: 20 }, (_, i) => String(i));
    const made = await Promise.all(
      names.map(async (no) => await attach(layout, subject.digest, { artifactType: "application/vnd.example", annotations: { no } })),
    );
    expect((await found(registry.host, subject.digest)).toSorted()).toEqual(made.map((d) => d.digest).toSorted());
    const writes = registry.log.requests.filter((r) => r.method === "PUT" && /\/manifests\/sha256-/.test(r.path));
    expect(writes.length).toBeLessThanOrEqual(3);
  } finally {
    await registry.close();
  }
});

test("a client that writes over the list after it was read back is noticed, and the list merged anew", async () => {
  const registry = await startTestRegistry({ quirks: { referrers: 404 } });
  try {
    const { content, subject } = oneImage();
    const other = content.referrer(subject);
    pushContent(registry, "race", content);
    const repository = registry.repository("race");
    const tag = subject.digest.replace(":", "-");
    const foreign = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: INDEX,
        manifests: [{ ...content.line(other), "x-theirs": 1 }],
        annotations: { keep: "me" },
      }),
    );
    let rewrites = 0;
    const put = repository.tags.set.bind(repository.tags);
    repository.tags.set = (name, digest) => {
      const result = put(name, digest);
      // It had read before we wrote, and writes while we look again.
      if (name === tag && rewrites++ < 2) setTimeout(() => put(tag, repository.putManifest(foreign, INDEX)), 30);
      return result;
    };
    await using layout = await openRepository(`${registry.host}/race:v1`);
    const mine = await attach(layout, subject.digest, { artifactType: "application/vnd.example" });
    expect((await found(registry.host, subject.digest)).toSorted()).toEqual([mine.digest, other.digest].toSorted());
    const list = JSON.parse(repository.find(tag)!.bytes.toString()) as { manifests: object[]; annotations: object };
    expect(list).toMatchObject({ annotations: { keep: "me" }, manifests: [{ "x-theirs": 1 }, { digest: mine.digest }] });
  } finally {
    await registry.close();
  }
});

const INDEX = "application/vnd.oci.image.index.v1+json";
