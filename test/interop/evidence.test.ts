import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Layout, blobPath, parseDigest } from "@ocilot/layout";
import { attach, edgeKey, extractDocument, openReferrers, openView, readGraph, type Statement } from "@ocilot/referrers";
import { copyOf, fixture, inScratch, scratch } from "./layouts.js";
import { type Workshop, copyImage, makeCosignKey, makeNotationHome, notationSign, publicKey, pushImage, remoteDigest } from "./makers.js";
import { registryAddress } from "./registry.js";
import { suite } from "./suite.js";
import { type Outcome, must, run } from "./tools.js";

const OFFLINE = ["--tlog-upload=false", "--use-signing-config=false", "--yes"];
const SLSA = {
  buildDefinition: { buildType: "https://example.com/build", externalParameters: {} },
  runDetails: { builder: { id: "https://example.com/b" } },
};

let directory: string;
let key: string;
let image: string;
/** The image without any referrer, as oras copies it. */
let plain: string;
let repositories = 0;

const options = {
  needs: ["cosign", "oras", "crane", "skopeo", "docker-registry"] as const,
  async before() {
    directory = await scratch();
    key = await makeCosignKey(directory);
    const repository = await pushImage(shop("evidence"));
    image = await remoteDigest(`${repository}:v1`);
    plain = join(directory, "plain");
    await must("oras", ["cp", "--from-plain-http", `${repository}:v1`, "--to-oci-layout", `${plain}:v1`]);
    await writeFile(join(directory, "slsa.json"), JSON.stringify(SLSA));
  },
  async after() {
    await rm(directory, { recursive: true, force: true });
  },
};

function shop(name: string): Workshop {
  return { directory, registry: registryAddress(), name: `evidence/${name}`, cosignKey: key, notationHome: "" };
}

/** A bundle that cosign leaves in a file, without attaching it to anything. */
async function attestedBundle(): Promise<Uint8Array> {
  const bundle = join(directory, `bundle-${++repositories}.json`);
  const manifest = join(plain, blobPath(parseDigest(image)));
  await must("cosign", [
    "attest-blob",
    "--key",
    key,
    ...OFFLINE,
    "--predicate",
    join(directory, "slsa.json"),
    "--type",
    "slsaprovenance1",
    "--bundle",
    bundle,
    manifest,
  ]);
  return new Uint8Array(await readFile(bundle));
}

async function signedBundle(): Promise<Uint8Array> {
  const repository = await pushImage(shop(`sign-${++repositories}`));
  const bundle = join(directory, `signed-${repositories}.json`);
  await must("cosign", [
    "sign",
    "--key",
    key,
    ...OFFLINE,
    "--allow-http-registry",
    "--upload=false",
    "--bundle",
    bundle,
    `${repository}@${image}`,
  ]);
  return new Uint8Array(await readFile(bundle));
}

/** Copies the layout to a new repository, referrers and all, and asks cosign. */
async function inRegistry(layout: string, verb: readonly string[]): Promise<Outcome> {
  const repository = `${registryAddress()}/evidence/back-${++repositories}`;
  await must("oras", ["cp", "-r", "--from-oci-layout", `${layout}@${image}`, "--to-plain-http", `${repository}:v1`]);
  return await run("cosign", [
    ...verb,
    "--key",
    publicKey(key),
    "--insecure-ignore-tlog",
    "--allow-http-registry",
    `${repository}@${image}`,
  ]);
}

async function statementsOf(layout: Layout): Promise<Statement[]> {
  const view = await openView(layout);
  const edges = (await readGraph(view)).edges();
  const opened = await openReferrers(view, edges, layout.blobs);
  return edges.flatMap((edge) => opened.get(edgeKey(edge)) ?? []);
}

async function contentOf(layout: Layout, statement: Statement, raw: boolean): Promise<Buffer> {
  const { content } = await extractDocument(statement, layout.blobs, { raw });
  const parts: Uint8Array[] = content instanceof Uint8Array ? [content] : [];
  if (!(content instanceof Uint8Array)) for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

suite("cosign, on bundles that ocilot attached", options, (check) => {
  check("cosign sign --bundle: cosign verify accepts it from a registry", async ({ expect }) => {
    await withCopy(async (layout, path) => {
      await attach(layout, parseDigest(image), { sigstoreBundle: await signedBundle() });
      expect(await inRegistry(path, ["verify"])).toMatchObject({ code: 0 });
    });
  });

  check("cosign attest-blob --bundle: cosign verify-attestation accepts it from a registry", async ({ expect }) => {
    await withCopy(async (layout, path) => {
      await attach(layout, parseDigest(image), { sigstoreBundle: await attestedBundle() });
      const accepted = await inRegistry(path, ["verify-attestation", "--type", "slsaprovenance1"]);
      expect(accepted.code, accepted.stderr).toBe(0);
      expect((await inRegistry(path, ["verify-attestation", "--type", "spdxjson"])).code).not.toBe(0);
    });
  });

  check("from disk: cosign verify --local-image, beside what cosign save left", async ({ expect }) => {
    await inScratch(async (here) => {
      const repository = await pushImage(shop("saved"));
      const path = join(here, "saved");
      const bundle = await signedBundle();
      await must("cosign", ["save", "--allow-http-registry", "--dir", path, `${repository}@${await onePlatform()}`]);
      const local = async (): Promise<Outcome> =>
        await run("cosign", ["verify", "--key", publicKey(key), "--insecure-ignore-tlog", "--local-image", path]);
      expect((await local()).code).not.toBe(0);
      const layout = await Layout.open(path);
      await attach(layout, parseDigest(await onePlatform()), { sigstoreBundle: await platformBundle() });
      const found = await local();
      expect(found.code, found.stderr).toBe(0);
      expect(bundle.length).toBeGreaterThan(0);
    });
  });

  check("a bundle for another image is attached, found by ocilot, and refused by cosign", async ({ expect }) => {
    await withCopy(async (layout, path) => {
      await attach(layout, parseDigest(image), { sigstoreBundle: await platformBundle() });
      expect((await statementsOf(layout)).flatMap((s) => s.notes.map((n) => n.code))).toEqual(["SUBJECT_DIFFERS"]);
      expect((await inRegistry(path, ["verify"])).code).not.toBe(0);
    });
  });
});

suite("cosign, on what ocilot extracted", options, (check) => {
  check("a bundle as it is stored: verify-blob-attestation of the manifest", async ({ expect }) => {
    await withCopy(async (layout, path) => {
      await attach(layout, parseDigest(image), { sigstoreBundle: await attestedBundle() });
      const [statement] = await statementsOf(layout);
      const file = join(path, "..", "extracted.json");
      await writeFile(file, await contentOf(layout, statement!, true));
      const flags = ["--key", publicKey(key), "--insecure-ignore-tlog", "--bundle", file, "--type", "slsaprovenance1"];
      const verified = await run("cosign", ["verify-blob-attestation", ...flags, join(path, blobPath(parseDigest(image)))]);
      expect(verified.code, verified.stderr).toBe(0);
      expect(JSON.parse((await contentOf(layout, statement!, false)).toString())).toEqual(SLSA);
    });
  });

  check("what cosign 2 and 3 attested gives the documents that went in", async ({ expect }) => {
    const documents: unknown[] = [];
    for (const name of ["cosign-2", "cosign-3"]) {
      const layout = await Layout.open(join(fixture("oras"), "..", "..", "evidence", name));
      for (const s of await statementsOf(layout))
        if (s.format === "openvex") documents.push(JSON.parse((await contentOf(layout, s, false)).toString()));
    }
    expect(documents).toHaveLength(2);
    expect(documents[0]).toEqual(documents[1]);
  });
});

suite("notation, on signatures that ocilot extracted and attached again", { needs: ["notation", "oras"] }, (check) => {
  for (const format of ["jws", "cose"] as const) {
    check(`${format}: notation verify accepts it`, async ({ expect }) => {
      await inScratch(async (here) => {
        const notationHome = await makeNotationHome(here);
        const [signed, bare] = [join(here, "signed"), join(here, "bare")];
        await copyImage(signed);
        await copyImage(bare);
        await notationSign({ notationHome }, `${signed}:v1`, format);
        const source = await Layout.open(signed);
        const [statement] = await statementsOf(source);
        expect(statement).toMatchObject({ kind: "signature", format: `notation-${format}`, notes: [] });
        const target = await Layout.open(bare);
        const verify = async (): Promise<Outcome> =>
          await run("notation", ["verify", "--oci-layout", `${bare}@${subject}`, "--scope", "local/x"], {
            env: { XDG_CONFIG_HOME: notationHome },
          });
        const subject = statement!.subjects[0]!;
        expect((await verify()).code).not.toBe(0);
        await attach(target, subject, { notationSignature: await contentOf(source, statement!, false) });
        const verified = await verify();
        expect(verified.code, verified.stderr).toBe(0);
      });
    });
  }
});

async function withCopy(body: (layout: Layout, path: string) => Promise<void>): Promise<void> {
  await inScratch(async (here) => {
    const path = await copyOf(plain, join(here, "layout"));
    await body(await Layout.open(path), path);
  });
}

/** The digest of the image for linux/amd64. */
async function onePlatform(): Promise<string> {
  const index = JSON.parse(await readFile(join(plain, blobPath(parseDigest(image))), "utf8")) as { manifests: { digest: string }[] };
  return index.manifests[0]!.digest;
}

async function platformBundle(): Promise<Uint8Array> {
  const repository = await pushImage(shop(`platform-${++repositories}`));
  const bundle = join(directory, `platform-${repositories}.json`);
  await must("cosign", [
    "sign",
    "--key",
    key,
    ...OFFLINE,
    "--allow-http-registry",
    "--upload=false",
    "--bundle",
    bundle,
    `${repository}@${await onePlatform()}`,
  ]);
  return new Uint8Array(await readFile(bundle));
}
