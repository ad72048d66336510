import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseDigest } from "@ocilot/layout";
import { CONVENTIONS, type ConventionId, TARGETS } from "@ocilot/referrers";
import { FIXTURES } from "@ocilot/testkit";
import { type ExpectStatic } from "vitest";
import { convertTo } from "./conversions.js";
import { copyOf, edgeName, inScratch, scratch, tagsOf, trueEdges } from "./layouts.js";
import { type Workshop, cosignSign, makeCosignKey, publicKey, pushImage, remoteDigest, signatureTag } from "./makers.js";
import { modelsFind } from "./readers.js";
import { registryAddress } from "./registry.js";
import { type Check, suite } from "./suite.js";
import { tamperWithLayer, tamperWithManifest } from "./tamper.js";
import { type Outcome, must, run } from "./tools.js";

const SIGNATURE = "dev.cosignproject.cosign/signature";

/** An image that cosign 3 signed with a key, as oras took it out of a registry. */
const ONE_IMAGE = join(FIXTURES, "cases", "cosign-bundle-one-image");

let directory: string;
let key: string;
let image: string;
let repositories = 0;

/** The signed image, as different programs carry it out of a registry; each is copied before use. */
const layouts = { bundle: "", "bundle-saved": "", "bundle-backup": "", tag: "", "tag-saved": "" };
type Source = keyof typeof layouts;

const options = {
  needs: ["cosign", "oras", "crane", "skopeo", "docker-registry"] as const,
  concurrent: true,
  async before() {
    directory = await scratch();
    key = await makeCosignKey(directory);
    for (const source of Object.keys(layouts) as Source[]) layouts[source] = join(directory, source);
    await signBothWays();
  },
  async after() {
    await rm(directory, { recursive: true, force: true });
  },
};

async function signBothWays(): Promise<void> {
  const bundled = await pushImage(shop("bundled"));
  image = await remoteDigest(`${bundled}:v1`);
  await cosignSign(shop("bundled"), `${bundled}@${image}`, "bundle");
  await must("oras", ["cp", "-r", "--from-plain-http", `${bundled}:v1`, "--to-oci-layout", `${layouts.bundle}:v1`]);
  await must("cosign", ["save", "--allow-http-registry", "--dir", layouts["bundle-saved"], `${bundled}@${image}`]);
  await must("oras", ["backup", "--plain-http", "--include-referrers", "--output", layouts["bundle-backup"], bundled]);

  const tagged = await pushImage(shop("tagged"));
  await cosignSign(shop("tagged"), `${tagged}@${image}`, "tag");
  for (const tag of ["v1", signatureTag(image)])
    await must("oras", ["cp", "--from-plain-http", `${tagged}:${tag}`, "--to-oci-layout", `${layouts.tag}:${tag}`]);
  await must("cosign", ["save", "--allow-http-registry", "--dir", layouts["tag-saved"], `${tagged}@${image}`]);
}

suite("a signature of cosign, through a layout and back", options, (check) => {
  checkBundles(check);
  checkTags(check);
});

/** The way of cosign 3: a bundle that refers to the image. */
function checkBundles(check: Check): void {
  check("bundle-saved: is not there to be verified without us: cosign save", async ({ expect }) => {
    expect((await verifyAfterCopy(layouts["bundle-saved"])).code).not.toBe(0);
  });

  for (const source of ["bundle", "bundle-saved", "bundle-backup"] as const) {
    for (const target of TARGETS) {
      for (const only of [false, true]) {
        check(`${source} → ${target}${only ? " --only" : ""}`, async ({ expect }) => {
          await withCopyOf(source, async (layout) => {
            const plan = await convertTo(layout, target, { only });
            const [signature] = await trueEdges(layout);
            const isHeld = plan !== undefined && !plan.losses.some((l) => edgeName(l) === edgeName(signature!));
            const { code, stderr } = await verifyAfterCopy(layout);
            // cosign save keeps the bundle where only cosign finds it, and so does a conversion to that.
            const isListed = source !== "bundle-saved" || target !== "cosign-save";
            expect(code === 0, stderr).toBe(isListed && (isHeld || source !== "bundle-saved"));
          });
        });
      }
    }
  }

  for (const by of ["oras cp -r", "oras backup", "cosign save"] as const) {
    check(
      `one image, ${by}: cosign verify --local-image after one conversion, and the others still find the bundle`,
      async ({ expect }) => {
        const repository = newRepository();
        await must("oras", ["cp", "-r", "--from-oci-layout", `${ONE_IMAGE}:v1`, "--to-plain-http", `${repository}:v1`]);
        const signed = await remoteDigest(`${repository}:v1`);
        await inScratch(async (at) => {
          const layout = join(at, "layout");
          await takeOut(by, repository, signed, layout);
          const isSaved = by === "cosign save";
          const verifyLayout = async (): Promise<Outcome> =>
            await run("cosign", ["verify", "--key", `${ONE_IMAGE}.pub`, "--insecure-ignore-tlog", "--local-image", layout]);
          expect((await verifyLayout()).code === 0).toBe(isSaved);
          expect(await convertTo(layout, ["universal", "cosign-save"])).toMatchObject({ losses: [], notes: [] });
          expect(await verifyLayout()).toMatchObject({ code: 0 });
          const found = await modelsFind(layout, ["oras", "regctl", "olareg", "containerd", "cosign"], [parseDigest(signed)]);
          for (const [tool, of] of found) expect(of.get(parseDigest(signed)), tool).toHaveLength(1);
          const target = newRepository();
          const tag = isSaved ? `@${signed}` : ":v1";
          await must("oras", ["cp", "-r", "--from-oci-layout", `${layout}${tag}`, "--to-plain-http", `${target}:v1`]);
          const remote = ["--allow-http-registry", "--insecure-ignore-tlog", "--key", `${ONE_IMAGE}.pub`];
          expect(await run("cosign", ["verify", ...remote, `${target}@${signed}`])).toMatchObject({ code: 0 });
        });
      },
    );
  }

  check("of an image index cosign 3.1 verifies nothing in a directory, as the note says", async ({ expect }) => {
    await withCopyOf("bundle", async (layout) => {
      const plan = await convertTo(layout, ["universal", "cosign-save"]);
      expect(plan).toMatchObject({ losses: [], notes: [expect.stringContaining("cosign 3.1 finds no signature bundles of an index")] });
      expect((await verifyLocally(layout)).code).not.toBe(0);
      expect(await verifyAfterCopy(layout)).toMatchObject({ code: 0 });
    });
  });

  check("bundle-saved: passes after one conversion after the other, each with --only", async ({ expect }) => {
    await withCopyOf("bundle-saved", async (layout) => {
      for (const target of TARGETS) await convertTo(layout, target, { only: true });
      expect(await verifyAfterCopy(layout)).toMatchObject({ code: 0 });
    });
  });

  check("bundle: fails where the bundle was tampered with", async ({ expect }) => {
    await withCopyOf("bundle", async (layout) => {
      const [signature] = await trueEdges(layout);
      await tamperWithLayer(layout, signature!.referrer, (bundle) => {
        const at = bundle.indexOf('"sig":"') + 20;
        return bundle.slice(0, at) + (bundle[at] === "A" ? "B" : "A") + bundle.slice(at + 1);
      });
      await convertTo(layout, "universal");
      await expectFailure(await verifyAfterCopy(layout), expect);
    });
  });
}

/** The older way: an image under a `.sig` tag. */
function checkTags(check: Check): void {
  for (const target of TARGETS) {
    check(`tag → ${target}`, async ({ expect }) => {
      await withCopyOf("tag", async (layout) => {
        await convertTo(layout, target);
        expect(await verifyByTags(layout)).toMatchObject({ code: 0 });
      });
    });
  }

  // A convention that can record a link without `subject` is enough by itself: from it, the tag can be made again.
  for (const target of isTarget("cosign-tags") ? holdersOfLinksByName() : []) {
    for (const source of ["tag", "tag-saved"] as const) {
      check(`${source} → ${target} --only → cosign-tags --only`, async ({ expect }) => {
        await withCopyOf(source, async (layout) => {
          await convertTo(layout, target, { only: true });
          expect(await convertTo(layout, "cosign-tags", { only: true })).toMatchObject({ losses: [] });
          expect(await verifyByTags(layout)).toMatchObject({ code: 0 });
        });
      });
    }
  }

  for (const source of isTarget("cosign-save") ? (["tag", "tag-saved"] as const) : []) {
    check(`${source} → cosign-save: cosign verify --local-image, and cosign load`, async ({ expect }) => {
      await withCopyOf(source, async (layout) => {
        await convertTo(layout, "cosign-save");
        expect(await verifyLocally(layout)).toMatchObject({ code: 0 });
        const repository = newRepository();
        await must("cosign", ["load", "--allow-http-registry", "--dir", layout, `${repository}:v1`]);
        expect(await verify(repository)).toMatchObject({ code: 0 });
      });
    });
  }

  check("tag-saved: what cosign verify --local-image accepted, it accepts after any conversion", async ({ expect }) => {
    expect(await verifyLocally(layouts["tag-saved"])).toMatchObject({ code: 0 });
    for (const target of TARGETS) {
      await withCopyOf("tag-saved", async (layout) => {
        await convertTo(layout, target);
        expect(await verifyLocally(layout), target).toMatchObject({ code: 0 });
      });
    }
  });

  for (const platforms of ["one", "all"] as const) {
    for (const way of ["bundle", "tag"] as const) {
      check(
        `the model of cosign is right about a ${way} on ${platforms === "one" ? "an image" : "an image index"}, saved`,
        async ({ expect }) => {
          await inScratch(async (here) => {
            const maker = shop(`model-${platforms}-${way}`);
            const repository = await pushImage(maker, platforms);
            const digest = await remoteDigest(`${repository}:v1`);
            await cosignSign(maker, `${repository}@${digest}`, way);
            const layout = join(here, "layout");
            await must("cosign", ["save", "--allow-http-registry", "--dir", layout, `${repository}@${digest}`]);
            const { code } = await verifyLocally(layout);
            const subject = parseDigest(digest);
            const found = (await modelsFind(layout, ["cosign"], [subject])).get("cosign")?.get(subject) ?? [];
            expect(found.length > 0, "the model finds a signature").toBe(code === 0);
          });
        },
      );
    }
  }

  check("tag: fails where the signature was tampered with", async ({ expect }) => {
    await withCopyOf("tag", async (layout) => {
      const { descriptor } = (await tagsOf(layout)).find((t) => t.tag === signatureTag(image))!;
      await tamperWithManifest(layout, descriptor.digest, (manifest) => {
        const [layer] = manifest.layers!;
        const signature = layer!.annotations![SIGNATURE]!;
        const bad = `${signature.slice(0, 20)}${signature[20] === "A" ? "B" : "A"}${signature.slice(21)}`;
        return { ...manifest, layers: [{ ...layer!, annotations: { ...layer!.annotations, [SIGNATURE]: bad } }] };
      });
      await convertTo(layout, "universal");
      await expectFailure(await verifyByTags(layout), expect);
    });
  });
}

/** Takes an image and its bundle out of a registry. */
async function takeOut(
  by: "oras cp -r" | "oras backup" | "cosign save",
  repository: string,
  digest: string,
  layout: string,
): Promise<void> {
  if (by === "cosign save") await must("cosign", ["save", "--allow-http-registry", "--dir", layout, `${repository}@${digest}`]);
  else if (by === "oras backup") await must("oras", ["backup", "--plain-http", "--include-referrers", "--output", layout, repository]);
  else await must("oras", ["cp", "-r", "--from-plain-http", `${repository}:v1`, "--to-oci-layout", `${layout}:v1`]);
}

function shop(name: string): Workshop {
  return { directory, registry: registryAddress(), name: `signatures/${name}`, cosignKey: key, notationHome: "" };
}

function isTarget(id: ConventionId): boolean {
  return TARGETS.includes(id);
}

function holdersOfLinksByName(): ConventionId[] {
  return CONVENTIONS.filter((c) => c.traits.target && c.traits.nEdges).map((c) => c.id);
}

async function withCopyOf(source: Source, body: (layout: string) => Promise<void>): Promise<void> {
  await inScratch(async (here) => await body(await copyOf(layouts[source], join(here, "layout"))));
}

function newRepository(): string {
  return `${registryAddress()}/signatures/back-${++repositories}`;
}

/** Takes the image and all that refers to it to a new repository, as oras does it, and asks cosign. */
async function verifyAfterCopy(layout: string): Promise<Outcome> {
  const repository = newRepository();
  await must("oras", ["cp", "-r", "--from-oci-layout", `${layout}@${image}`, "--to-plain-http", `${repository}:v1`]);
  return await verify(repository);
}

/** Takes the image and the tag of its signature to a new repository, and asks cosign. */
async function verifyByTags(layout: string): Promise<Outcome> {
  const repository = newRepository();
  await must("oras", ["cp", "--from-oci-layout", `${layout}@${image}`, "--to-plain-http", `${repository}:v1`]);
  const tag = signatureTag(image);
  await must("oras", ["cp", "--from-oci-layout", `${layout}:${tag}`, "--to-plain-http", `${repository}:${tag}`]);
  return await verify(repository);
}

async function verify(repository: string): Promise<Outcome> {
  const flags = ["--key", publicKey(key), "--insecure-ignore-tlog", "--allow-http-registry"];
  return await run("cosign", ["verify", ...flags, `${repository}@${image}`]);
}

async function verifyLocally(layout: string): Promise<Outcome> {
  return await run("cosign", ["verify", "--key", publicKey(key), "--insecure-ignore-tlog", "--local-image", layout]);
}

async function expectFailure(outcome: Outcome, expect: ExpectStatic): Promise<void> {
  expect(outcome.code).not.toBe(0);
  expect(outcome.stderr).toMatch(/invalid signature|failed to verify|no matching signatures/);
}
