import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, Layout } from "@ocilot/layout";
import { type LiftResult, convert, doctor, lift } from "@ocilot/referrers";
import { type ExpectStatic } from "vitest";
import { blobsOf, copyOf, edgeName, fixture, inScratch, readManifest, scratch, tagsOf, trueEdges } from "./layouts.js";
import { type Workshop, cosignSign, makeCosignKey, publicKey, pushImage, remoteDigest, signatureTag } from "./makers.js";
import { modelsFind, orasFinds, orasFindsByTag } from "./readers.js";
import { type Registry, startRegistry } from "./registry.js";
import { suite } from "./suite.js";
import { tamperWithManifest } from "./tamper.js";
import { type Outcome, must, run } from "./tools.js";

const SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json";
const PLATFORMS = ["linux/amd64", "linux/arm64"];

let directory: string;
let registry: Registry;
let key: string;
let image: Digest;
let repositories = 0;
/** The image and its `.sig` tag, as oras copies them out of the registry. */
let signed: string;

const options = {
  needs: ["cosign", "oras", "crane", "skopeo", "docker-registry"] as const,
  concurrent: true,
  async before() {
    directory = await scratch();
    registry = await startRegistry(directory);
    key = await makeCosignKey(directory);
    const repository = await pushImage(shop("tagged"));
    image = (await remoteDigest(`${repository}:v1`)) as Digest;
    await cosignSign(shop("tagged"), `${repository}@${image}`, "tag");
    signed = join(directory, "signed");
    for (const tag of ["v1", signatureTag(image)])
      await must("oras", ["cp", "--from-plain-http", `${repository}:${tag}`, "--to-oci-layout", `${signed}:${tag}`]);
  },
  async after() {
    await registry.stop();
    await rm(directory, { recursive: true, force: true });
  },
};

suite("a lifted signature of cosign's", options, (check) => {
  check("is found by oras, and by the models of regctl, olareg and containerd", async ({ expect }) => {
    await withCopyOf(signed, async (layout) => {
      const { lifted } = await liftAt(layout);
      const [{ subject, to }] = [lifted[0]!];
      expect([lifted.length, subject]).toEqual([1, image]);
      expect(await orasFinds(layout, subject)).toEqual([to.digest]);
      for (const [tool, found] of await modelsFind(layout, ["regctl", "regctl-slow", "olareg", "containerd"], [subject]))
        expect([...found.values()], tool).toEqual([[to.digest]]);
    });
  });

  check("is accepted by cosign verify in its OCI 1.1 mode, from a registry without any tag of cosign's", async ({ expect }) => {
    await withCopyOf(signed, async (layout) => {
      expect((await verify(await pushWithReferrers(layout))).code, "without the lift there is nothing to find").not.toBe(0);
      await liftAt(layout);
      const repository = await pushWithReferrers(layout);
      const tags = (await must("crane", ["ls", "--insecure", repository])).trim().split("\n");
      expect(tags.toSorted()).toEqual([image.replace(":", "-"), "v1"].toSorted());
      expect(await verify(repository)).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("The signatures were verified") as string,
      });
      expect((await verify(repository, [])).code, "only that mode looks there").not.toBe(0);
    });
  });

  check("is refused by cosign where the signature was tampered with before", async ({ expect }) => {
    await withCopyOf(signed, async (layout) => {
      const { descriptor } = (await tagsOf(layout)).find((t) => t.tag === signatureTag(image))!;
      await tamperWithManifest(layout, descriptor.digest, (manifest) => {
        const [layer] = manifest.layers!;
        const name = "dev.cosignproject.cosign/signature";
        const value = layer!.annotations![name]!;
        return {
          ...manifest,
          layers: [{ ...layer!, annotations: { [name]: `${value.slice(0, 20)}${value[20] === "A" ? "B" : "A"}${value.slice(21)}` } }],
        };
      });
      await liftAt(layout);
      const { code, stderr } = await verify(await pushWithReferrers(layout));
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/invalid signature|failed to verify|no matching signatures|no signatures found/);
    });
  });

  check(
    "is what cosign itself writes in that mode, but for the order of members, the artifact type and where it comes from",
    async ({ expect }) => {
      const repository = await pushImage(shop("oci11"));
      const mode = ["--registry-referrers-mode=oci-1-1", "--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"];
      await must("cosign", ["sign", "--key", key, "--yes", "--allow-http-registry", ...mode, `${repository}@${image}`], {
        env: { COSIGN_EXPERIMENTAL: "1" },
      });
      await inScratch(async (here) => {
        const theirs = join(here, "theirs");
        await must("oras", ["cp", "-r", "--from-plain-http", `${repository}:v1`, "--to-oci-layout", `${theirs}:v1`]);
        const [edge] = await trueEdges(theirs);
        const cosigns = (await readManifest(theirs, edge!.referrer))!;
        await withCopyOf(signed, async (layout) => {
          const { lifted } = await liftAt(layout);
          const ours = (await readManifest(layout, lifted[0]!.to.digest))!;
          expect(Object.keys(ours).filter((k) => !(k in cosigns) && k !== "annotations" && k !== "artifactType")).toEqual([]);
          expect(ours.subject).toEqual(cosigns.subject);
          expect(ours.config!.mediaType).toBe(SIGNATURE);
          expect(cosigns.config!.mediaType).toBe(SIGNATURE);
          // ECDSA signatures are random, and the payload names the repository.
          expect(ours.layers!.map((l) => [l.mediaType, Object.keys(l.annotations!)])).toEqual(
            cosigns.layers!.map((l) => [l.mediaType, Object.keys(l.annotations!)]),
          );
        });
      });
    },
  );
});

suite("lifted attestations and rewritten indexes", { needs: ["oras", "skopeo", "umoci"], concurrent: true }, (check) => {
  check("oras finds what was lifted from BuildKit's older form, by digest and by platform", async ({ expect }) => {
    await withCopyOf(fixture("buildkit-attestation"), async (layout) => {
      for (const platform of PLATFORMS) expect((await orasFindsByTag(layout, "v1", platform))!.found).toEqual([]);
      const { lifted } = await liftAt(layout);
      for (const { subject, to } of lifted) expect(await orasFinds(layout, subject)).toEqual([to.digest]);
      const byPlatform = await Promise.all(PLATFORMS.map(async (p) => (await orasFindsByTag(layout, "v1", p))!));
      expect(byPlatform.flatMap((a) => a.found).toSorted()).toEqual(lifted.map((l) => l.to.digest as string).toSorted());
      expect(await must("umoci", ["gc", "--layout", layout])).toBe("");
      expect((await blobsOf(layout)).filter((d) => lifted.some((l) => l.to.digest === d))).toHaveLength(2);
    });
  });

  for (const name of ["oras", "notation", "olareg", "regclient", "containerd-export", "buildkit-attestation"]) {
    check(`skopeo copy --all carries the index of ${name} whole, and oras reads it at both ends`, async ({ expect }) => {
      await withCopyOf(fixture(name), async (layout) => {
        await liftAt(layout);
        const { plan } = await convert(await open(layout), { to: "buildkit", allowDigestChange: true });
        const [change] = plan.digestChanges;
        const [{ tag }] = [(await tagsOf(layout)).find((t) => t.descriptor.digest === change?.to) ?? { tag: "v1" }];
        const inside = (await readManifest(layout, change!.to))!.manifests!;
        expect(inside.filter((d) => d.platform?.os === "unknown").length).toBeGreaterThan(0);
        const copy = `${layout}-copy`;
        await must("skopeo", ["copy", "-q", "--all", `oci:${layout}:${tag}`, `oci:${copy}:${tag}`]);
        expect((await tagsOf(copy)).map((t) => [t.tag, t.descriptor.digest])).toEqual([[tag, change!.to]]);
        for (const child of inside) expect(await blobsOf(copy)).toContain(child.digest);
        const held = (await trueEdges(layout)).map(edgeName).filter((e) => inside.some((d) => e.endsWith(d.digest)));
        expect((await trueEdges(copy)).map(edgeName)).toEqual(held);
        await sameByPlatform(layout, copy, tag, expect);
      });
    });
  }

  check("umoci and skopeo still read a tag that was moved to a rewritten index", async ({ expect }) => {
    await withCopyOf(fixture("oras"), async (layout) => {
      const { plan } = await convert(await open(layout), { to: "buildkit", allowDigestChange: true });
      const raw = await must("skopeo", ["inspect", "--raw", `oci:${layout}:v1`]);
      expect(JSON.parse(raw)).toEqual(await readManifest(layout, plan.digestChanges[0]!.to));
      expect((await must("umoci", ["ls", "--layout", layout])).trim()).toBe("v1");
      expect(await must("umoci", ["gc", "--layout", layout])).toBe("");
      expect((await doctor(await open(layout), { tools: ["oras"] })).healthy).toBe(true);
    });
  });
});

async function sameByPlatform(layout: string, copy: string, tag: string, expect: ExpectStatic): Promise<void> {
  let count = 0;
  for (const platform of PLATFORMS) {
    const [here, there] = [await orasFindsByTag(layout, tag, platform), await orasFindsByTag(copy, tag, platform)];
    expect(there).toEqual(here);
    count += there?.found.length ?? 0;
  }
  expect(count).toBeGreaterThan(0);
}

function shop(name: string): Workshop {
  return { directory, registry: registry.address, name, cosignKey: key, notationHome: "" };
}

async function open(layout: string): Promise<Layout> {
  return await Layout.open(layout, { sync: false });
}

async function liftAt(layout: string): Promise<LiftResult> {
  return await lift(await open(layout));
}

async function withCopyOf(source: string, body: (layout: string) => Promise<void>): Promise<void> {
  await inScratch(async (here) => await body(await copyOf(source, join(here, "layout"))));
}

/** Takes the image and what refers to it, and no tag of cosign's, to a new repository. */
async function pushWithReferrers(layout: string): Promise<string> {
  const repository = `${registry.address}/lifted-${++repositories}`;
  await must("oras", ["cp", "-r", "--from-oci-layout", `${layout}@${image}`, "--to-plain-http", `${repository}:v1`]);
  return repository;
}

async function verify(repository: string, mode: readonly string[] = ["--experimental-oci11"]): Promise<Outcome> {
  const flags = ["--key", publicKey(key), "--insecure-ignore-tlog", "--allow-http-registry", ...mode];
  return await run("cosign", ["verify", ...flags, `${repository}@${image}`]);
}
