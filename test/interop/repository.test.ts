import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, Layout, parseDigest } from "@ocilot/layout";
import { convert, copyLayout, listReferrers, openView, readGraph, verifyLayout } from "@ocilot/referrers";
import { openRepository } from "@ocilot/registry";
import { LayoutBuilder, startFaultProxy } from "@ocilot/testkit";
import { attachFromMany, bundleWorker, runWorker, startWorker } from "../../packages/registry/test/repository/run-worker.js";
import { inScratch, scratch } from "./layouts.js";
import {
  type Workshop,
  attach,
  cosignSign,
  makeCosignKey,
  makeNotationHome,
  publicKey,
  pushImage,
  remoteDigest,
  signatureTag,
} from "./makers.js";
import { type Registry, registryAddress, startRegistry } from "./registry.js";
import { suite } from "./suite.js";
import { must, run } from "./tools.js";

let directory: string;
let key: string;
let home: string;
let second: Registry;
let worker: Awaited<ReturnType<typeof bundleWorker>>;
let repositories = 0;

const options = {
  needs: ["cosign", "notation", "oras", "crane", "skopeo", "docker-registry"] as const,
  async before() {
    directory = await scratch();
    key = await makeCosignKey(directory);
    home = await makeNotationHome(directory);
    second = await startRegistry(join(directory));
    worker = await bundleWorker();
  },
  async after() {
    await second.stop();
    await rm(worker.directory, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  },
};

function shop(): Workshop {
  return { directory, registry: registryAddress(), name: `repository/${repositories++}`, cosignKey: key, notationHome: home };
}

suite("a repository of docker-registry", options, (check) => {
  check(
    "signed by cosign 2 and 3 and by notation, with SBOMs by oras: pulled, converted, checked, pushed elsewhere, where all of them agree",
    async ({ expect }) => {
      await inScratch(async (here) => {
        const image = await pushImage(shop());
        const digest = await remoteDigest(`${image}:v1`);
        await cosignSign(shop(), `${image}@${digest}`, "tag");
        await cosignSign(shop(), `${image}@${digest}`, "bundle");
        await must("notation", ["sign", "--insecure-registry", `${image}@${digest}`], { env: { XDG_CONFIG_HOME: home } });
        const sbom = await attach(shop(), ["--plain-http"], `${image}:v1`, "application/spdx+json");
        await attach(shop(), ["--plain-http"], `${image}@${sbom}`, "application/vnd.example.signature");
        await attach(shop(), ["--plain-http", "--platform", "linux/arm64"], `${image}:v1`, "application/vnd.cyclonedx+json");

        const layout = await Layout.create(join(here, "layout"), { sync: false });
        await using source = await openRepository(`${image}:v1`);
        // Two signatures of cosign's, one of notation's, the SBOM and its referrer, and that of a platform.
        expect(await copyLayout(source, layout, { reference: "v1" })).toMatchObject({ referrers: 6 });
        expect(await convert(layout, { to: "regclient", only: true })).toMatchObject({ changed: true });
        expect(await convert(layout, { to: "universal" })).toMatchObject({ changed: true, plan: { losses: [] } });
        expect((await verifyLayout(layout)).findings.filter((f) => f.severity === "error")).toEqual([]);

        const there = `${second.address}/elsewhere/${repositories++}`;
        await using target = await openRepository(`${there}:v1`);
        await copyLayout(layout, target, { reference: "v1" });
        const verify = ["verify", "--key", publicKey(key), "--insecure-ignore-tlog", "--allow-http-registry"];
        expect(await run("cosign", [...verify, "--new-bundle-format=false", `${there}@${digest}`])).toMatchObject({ code: 0 });
        expect(await run("cosign", [...verify, "--new-bundle-format=true", `${there}@${digest}`])).toMatchObject({ code: 0 });
        expect(
          await run("notation", ["verify", "--insecure-registry", `${there}@${digest}`], { env: { XDG_CONFIG_HOME: home } }),
        ).toMatchObject({ code: 0 });
        const discover = async (of: string): Promise<unknown> => {
          const tree = JSON.parse(await must("oras", ["discover", "--plain-http", "--format", "json", "--depth", "4", of])) as Tree;
          return treeOf(tree);
        };
        expect(await discover(`${there}:v1`)).toEqual(await discover(`${image}:v1`));
        expect(await must("crane", ["ls", "--insecure", there])).toContain(signatureTag(digest));
      });
    },
  );

  check("8 processes attach 10 referrers each: 80 of 80, as oras finds them too", async ({ expect }) => {
    const image = await pushImage(shop());
    const said = await attachFromMany(worker.script, `${image}:v1`, 8, 10);
    const digest = parseDigest(await remoteDigest(`${image}:v1`));
    await using layout = await openRepository(`${image}:v1`);
    const found: string[] = [];
    for await (const referrer of listReferrers(layout, digest)) found.push(referrer.descriptor.digest);
    expect(found.toSorted()).toEqual(said.toSorted());
    expect(new Set(said).size).toBe(80);
    const tree = JSON.parse(await must("oras", ["discover", "--plain-http", "--format", "json", `${image}:v1`])) as Tree;
    expect((tree.referrers ?? []).map((r) => r.digest).toSorted()).toEqual(said.toSorted());
  });

  check("oras attaches beside it, eight times at once, and what ocilot attached stays", async ({ expect }) => {
    const image = await pushImage(shop());
    const others = Array.from({ length: 8 }, async (_, i) => {
      return await attach(shop(), ["--plain-http"], `${image}:v1`, `application/vnd.other.no${i}`).catch(() => undefined);
    });
    const [mine] = await Promise.all([attachFromMany(worker.script, `${image}:v1`, 4, 5), ...others]);
    await using layout = await openRepository(`${image}:v1`);
    const graph = await readGraph(await openView(layout));
    const found = new Set(graph.edges().map((e) => e.referrer.digest as string));
    expect(mine.filter((digest) => !found.has(digest))).toEqual([]);
  });

  check(
    "a push that is killed: what had arrived is not sent again, what the registry threw away is, and crane finds all of it",
    async ({ expect }) => {
      await inScratch(async (here) => {
        const proxy = await startFaultProxy(registryAddress());
        try {
          const content = new LayoutBuilder();
          const config = content.blob("{}", "application/vnd.oci.image.config.v1+json");
          const layers = Array.from({ length: 8 }, () => content.blob(randomBytes(6 << 20), "application/vnd.oci.image.layer.v1.tar"));
          const image = content.document({ schemaVersion: 2, mediaType: MANIFEST, config, layers }, MANIFEST);
          content.entry(image, { tag: "v1" }).listed(content.referrer(image));
          await content.directory(join(here, "local"));
          proxy.rules.push({ method: "PATCH", path: /uploads/, times: 1e6, fault: { kind: "slow", bytesPerSecond: 4 << 20 } });
          const target = `${proxy.host}/killed/${repositories++}:v1`;
          const child = startWorker(worker.script, "push", target, join(here, "local"));
          const ended = once(child, "exit");
          const stored = (): number => proxy.log.requests.filter((r) => r.status === 201 && r.method === "PUT").length;
          // Four blobs are sent at a time; some of the next four are under way.
          await expect.poll(stored, { interval: 5 }).toBeGreaterThanOrEqual(4);
          await new Promise((resolve) => setTimeout(resolve, 300));
          expect(child.exitCode).toBeNull();
          child.kill("SIGKILL");
          await ended;
          const arrived = stored();
          proxy.rules.length = 0;
          await expect.poll(proxy.pending).toBe(0);
          proxy.log.clear();

          expect(await runWorker(worker.script, "push", target, join(here, "local"))).toMatchObject({ code: 0, errors: "" });
          const total = 8 * (6 << 20);
          // docker-registry throws away an upload that was cut in the middle of a request.
          expect(proxy.log.bytes).toBeLessThanOrEqual(total - (arrived - 1) * (6 << 20) + 200_000);
          await must("crane", [
            "pull",
            "--insecure",
            "--format",
            "oci",
            target.replace(proxy.host, registryAddress()),
            join(here, "crane"),
          ]);
        } finally {
          await proxy.close();
        }
      });
    },
  );

  check("1,000 referrers: pushed and pulled with few requests, and unchanged again with four", async ({ expect }) => {
    await inScratch(async (here) => {
      const proxy = await startFaultProxy(registryAddress());
      try {
        const name = `thousand/${repositories++}`;
        const image = await pushImage({ ...shop(), name: `${name}-one` }, "one");
        const local = await Layout.create(join(here, "local"), { sync: false });
        await using original = await openRepository(`${image}:v1`);
        await copyLayout(original, local, { reference: "v1" });
        await attachThousand(local);
        const figures: Record<string, number> = {};
        const counted = async (what: string, work: () => Promise<unknown>): Promise<void> => {
          proxy.log.clear();
          const start = performance.now();
          await work();
          figures[`${what}, ms`] = Math.round(performance.now() - start);
          figures[what] = proxy.log.size;
        };
        const push = async (): Promise<void> => {
          await using target = await openRepository(`${proxy.host}/${name}:v1`);
          await copyLayout(local, target, { reference: "v1" });
        };
        const pulled = await Layout.create(join(here, "pulled"), { sync: false });
        const pull = async (): Promise<void> => {
          await using source = await openRepository(`${proxy.host}/${name}:v1`);
          expect(await copyLayout(source, pulled, { reference: "v1" })).toMatchObject({ referrers: 1000 });
        };
        await counted("push", push);
        await counted("push again", push);
        await counted("pull", pull);
        await counted("pull again", pull);
        console.log(`1,000 referrers, docker-registry, through a proxy: ${JSON.stringify(figures)}`);
        expect(figures["push"]).toBeLessThanOrEqual(3100);
        expect(figures["push again"]).toBeLessThanOrEqual(4);
        expect(figures["pull"]).toBeLessThanOrEqual(2010);
        expect(figures["pull again"]).toBeLessThanOrEqual(4);
      } finally {
        await proxy.close();
      }
    });
  });
});

interface Tree {
  readonly digest?: string;
  readonly referrers?: readonly Tree[];
}

/** Digests and how they hang together, without the names of the registry. */
function treeOf({ digest, referrers = [] }: Tree): unknown {
  return { digest, referrers: referrers.map(treeOf).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}

/** In memory first: a thousand updates of a directory would take a while. */
async function attachThousand(layout: Layout): Promise<void> {
  const { digest, mediaType, size } = await layout.resolve("v1");
  const subject = { mediaType, digest, size };
  const text = new TextEncoder();
  const config = await layout.blobs.put(text.encode("{}"), { mediaType: "application/vnd.oci.empty.v1+json" });
  const entries: Descriptor[] = [];
  for (let i = 0; i < 1000; i++) {
    const layer = await layout.blobs.put(text.encode(`artifact ${i}`), { mediaType: "text/plain" });
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: "application/vnd.example.sbom",
      config,
      layers: [layer],
      subject,
    };
    entries.push({
      ...(await layout.blobs.put(text.encode(JSON.stringify(manifest)), { mediaType: MANIFEST })),
      artifactType: manifest.artifactType,
    });
  }
  await layout.index.update((base) => entries.map((descriptor) => ({ op: "insert", before: base.entries.length, descriptor })));
}

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
