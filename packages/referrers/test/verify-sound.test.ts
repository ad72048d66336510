import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, type Digest, EMPTY_JSON, Layout, OcilotError, blobPath } from "@ocilot/layout";
import {
  type Finding,
  type VerifyOptions,
  attach,
  collectGarbage,
  convert,
  copyLayout,
  detach,
  doctor,
  parsePlatform,
  referrersTag,
  repairLayout,
  verifyLayout,
} from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder, copyLayout as cloneFixture, fixtureLayout, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";

const AMD = { os: "linux", architecture: "amd64" };
const ARM = { os: "linux", architecture: "arm64" };
const REFERENCE = "vnd.docker.reference.digest";
const TYPE = "vnd.docker.reference.type";

async function codes(layout: Layout, options: VerifyOptions = {}): Promise<string[]> {
  const { findings } = await verifyLayout(layout, options);
  return [...new Set(findings.filter((f) => f.severity !== "info").map((f) => `${f.severity} ${f.code}`))].toSorted();
}

async function infos(layout: Layout): Promise<Finding[]> {
  return (await verifyLayout(layout)).findings.filter((f) => f.severity === "info");
}

describe("a sparse layout is legal", () => {
  interface Parts {
    readonly builder: LayoutBuilder;
    readonly amd: Descriptor;
    readonly arm: Descriptor;
    readonly index: Descriptor;
    readonly attestations: Descriptor[];
  }
  /** Two platforms and their attestations, as BuildKit makes them. */
  function made(): Parts {
    const builder = new LayoutBuilder();
    const [amd, arm] = [builder.image(), builder.image()];
    const attestations = [builder.image(), builder.image()];
    const beside = attestations.map((d, i) => ({
      ...d,
      platform: { os: "unknown", architecture: "unknown" },
      annotations: { [REFERENCE]: [amd, arm][i]!.digest, [TYPE]: "attestation-manifest" },
    }));
    const index = builder.imageIndex([{ ...amd, platform: AMD }, { ...arm, platform: ARM }, ...beside]);
    return { builder: builder.entry(index, { tag: "v1" }), amd, arm, index, attestations };
  }

  test("docker save of one platform: information, an error only where all are asked for", async () => {
    const layout = fixtureLayout("cases/docker-save-one-platform");
    // The attestation of this case is no in-toto statement.
    expect(await codes(layout)).toEqual(["warning STATEMENT_MALFORMED", "warning UNREFERENCED_BLOB"]);
    const sparse = (await infos(layout)).filter((f) => f.code === "SPARSE_PLATFORM");
    expect(sparse.map((f) => f.path)).toEqual(["latest → linux/arm64", "latest → manifest 4"]);
    expect((await infos(layout)).map((f) => f.code)).not.toContain("FOREIGN_FILE");
    for (const options of [{ strict: true }, { requireComplete: true }])
      expect(await codes(layout, options)).toContain("error SPARSE_PLATFORM");
  });

  test("a copy that notes what it left out passes strict, and not requireComplete", async () => {
    const { builder } = made();
    const target = new LayoutBuilder().layout();
    await copyLayout(builder.layout(), target, { reference: "v1", platforms: [parsePlatform("linux/amd64")] });
    expect(await codes(target, { strict: true })).toEqual([]);
    expect(await codes(target, { requireComplete: true })).toEqual(["error SPARSE_PLATFORM"]);
  });

  test("our own copy of one platform of a BuildKit image is clean, and repair changes nothing", async () => {
    const target = new LayoutBuilder().layout();
    const source = fixtureLayout("edge/buildkit-multi-platform");
    await copyLayout(source, target, { reference: "latest", platforms: [parsePlatform("linux/amd64")] });
    expect(await codes(target, { strict: true })).toEqual([]);
    const { text } = await target.index.read();
    expect((await repairLayout(target)).steps).toEqual([]);
    await convert(target, { to: "universal" });
    expect((await target.index.read()).text).toBe(text);
  });

  const lost: Record<string, (p: Parts) => void> = {
    "a layer of a platform that is present": ({ builder, amd }) => {
      const { layers } = JSON.parse(new TextDecoder().decode(builder.blobs.get(amd.digest))) as { layers: Descriptor[] };
      builder.forget(layers[0]!);
    },
    "an attestation of a platform that is present": ({ builder, attestations }) => void builder.forget(attestations[0]!),
    "a platform whose referrer is present": ({ builder, arm, attestations }) => {
      builder.listed(builder.referrer(arm));
      builder.forget(arm).forget(attestations[1]!);
    },
    "a platform whose attestation is present": ({ builder, arm }) => void builder.forget(arm),
    "every platform": ({ builder, amd, arm, attestations }) => {
      for (const d of [amd, arm, ...attestations]) builder.forget(d);
    },
    "the image index itself": ({ builder, index }) => void builder.forget(index),
  };
  test.each(Object.entries(lost))("%s is missing: an error", async (_, lose) => {
    const parts = made();
    lose(parts);
    expect(await codes(parts.builder.layout())).toContain("error BLOB_MISSING");
  });

  test("a platform that is missing although an entry notes that it was copied: an error", async () => {
    const { builder } = made();
    const target = new LayoutBuilder().layout();
    await copyLayout(builder.layout(), target, { reference: "v1", platforms: [parsePlatform("linux/amd64")] });
    const { manifests } = JSON.parse(
      new TextDecoder().decode(await target.blobs.bytes((await target.index.read()).entries[0]!.descriptor)),
    ) as { manifests: Descriptor[] };
    await target.blobs.delete(manifests[0]!.digest);
    expect(await codes(target)).toContain("error BLOB_MISSING");
  });

  test("no platform is left out of a referrer that is an index, or of a list", async () => {
    const { builder, index } = made();
    const artifact = builder.referrer(index, { shape: "index" });
    const child = (JSON.parse(new TextDecoder().decode(builder.blobs.get(artifact.digest))) as { manifests: Descriptor[] }).manifests[0]!;
    builder.listed(artifact).forget(child);
    expect(await codes(builder.layout())).toContain("error BLOB_MISSING");
  });

  test("platforms through nested indexes and those that only a config states", async () => {
    const builder = new LayoutBuilder();
    const [amd, arm, s390x] = [builder.image(), builder.image(), builder.image()];
    const inner = builder.imageIndex([arm, s390x]);
    builder.entry(builder.imageIndex([builder.imageIndex([amd]), inner]), { tag: "v1" });
    const errors = async (): Promise<string[]> => (await codes(builder.layout())).filter((c) => c.startsWith("error"));
    builder.forget(arm).forget(s390x);
    expect(await errors()).toEqual([]);
    builder.forget(inner);
    expect(await errors()).toEqual([]);
  });
});

describe("content that ocilot does not follow by type is content", () => {
  test("what Docker's files list is checked, and missing where it is missing", async () => {
    for (const name of ["docker-save-null-manifests", "docker-save-two-by-digest"]) {
      const layout = fixtureLayout(`cases/${name}`);
      expect(await codes(layout, { strict: true })).toEqual([]);
      const [image] = (await layout.dockerImages()).images;
      await layout.blobs.delete(image!.layers[0]!);
      const { findings } = await verifyLayout(layout);
      expect(findings[0]).toMatchObject({ code: "BLOB_MISSING", digest: image!.layers[0] });
    }
    const layout = fixtureLayout("cases/docker-save-null-manifests");
    await layout.blobs.delete((await layout.dockerImages()).images[0]!.config!);
    expect((await verifyLayout(layout)).findings[0]!.path).toMatch(/^manifest\.json → blob sha256:/);
  });

  test("a manifest.json of somebody else is a foreign file", async () => {
    const layout = new LayoutBuilder().layout();
    await layout.putDockerDocument("manifest.json", new TextEncoder().encode('{"name":"app"}'));
    expect((await infos(layout)).map((f) => f.code)).toEqual(["FOREIGN_FILE"]);
  });

  test("blobs named by entries of unknown types are hashed, and never called unreferenced", async () => {
    const dir = join(tempDir(), "layout");
    const builder = new LayoutBuilder();
    const inner = builder.image();
    const unknown = builder.document({ any: [{ digest: inner.digest }] }, "application/vnd.acme.list+json");
    const layout = await builder.entry(unknown, { tag: "v1" }).directory(dir);
    expect(await codes(layout, { strict: true })).toEqual([]);
    writeFileSync(join(dir, blobPath(inner.digest)), "x".repeat(inner.size));
    const { findings } = await verifyLayout(layout);
    expect(findings.map((f) => [f.code, f.path])).toEqual([["BLOB_CORRUPT", expect.stringMatching(/^v1 → blob sha256:/)]]);
  });

  test("while an entry of unknown type cannot be read, no blob is called unreferenced", async () => {
    const dir = join(tempDir(), "layout");
    const builder = new LayoutBuilder();
    const config = builder.document({ any: [builder.image().digest] }, "application/vnd.acme.list+json");
    for (const change of [
      (b: LayoutBuilder): unknown => b.entry(config, { tag: "v1" }),
      (b: LayoutBuilder): unknown => b.entry(b.image({ members: { config } }), { tag: "v1" }),
    ]) {
      builder.entries.length = 0;
      change(builder);
      const layout = await builder.directory(dir);
      writeFileSync(join(dir, blobPath(config.digest)), "x".repeat(config.size));
      const { findings } = await verifyLayout(layout);
      expect(findings.map((f) => f.code)).toEqual(["BLOB_CORRUPT"]);
    }
  });
});

describe("what is not a fault", () => {
  test("BLOB_EMBEDDED: content that a descriptor embeds is missing only for some tools, and repair stores it", async () => {
    const builder = new LayoutBuilder();
    const config = { ...builder.blob("{}", EMPTY_JSON), data: "e30=" };
    const layout = builder
      .entry(builder.image({ members: { config } }), { tag: "v1" })
      .forget(config)
      .layout();
    expect(await codes(layout)).toContain("warning BLOB_EMBEDDED");
    const { steps, left } = await repairLayout(layout);
    expect([steps, left]).toEqual([[expect.objectContaining({ op: "fetch", digest: config.digest, from: "a descriptor of it" })], []]);
    expect(await codes(layout)).not.toContain("warning BLOB_EMBEDDED");
  });

  test.each(["first", "last"])("BLOB_EMBEDDED: the descriptor that embeds it, be it the %s, serves for the others too", async (place) => {
    const builder = new LayoutBuilder();
    const config = builder.blob("{}", EMPTY_JSON);
    const configs = [config, config, { ...config, data: "e30=" }];
    for (const [i, d] of (place === "last" ? configs : configs.toReversed()).entries())
      builder.entry(builder.image({ members: { config: d } }), { tag: `v${i}` });
    const layout = builder.forget(config).layout();
    expect(await codes(layout)).toEqual(["warning BLOB_EMBEDDED", "warning UNREFERENCED_BLOB"]);
    expect((await verifyLayout(layout)).findings.filter((f) => f.code === "BLOB_EMBEDDED")).toHaveLength(1);
    const copied = Layout.inMemory();
    await copyLayout(layout, copied);
    expect(new TextDecoder().decode(await copied.blobs.bytes(config))).toBe("{}");
    expect((await doctor(layout)).traps.map((t) => t.code)).not.toContain("SPARSE");
    expect(await repairLayout(layout)).toMatchObject({ steps: [{ op: "fetch", digest: config.digest }], left: [] });
    expect(await codes(layout)).toEqual(["warning UNREFERENCED_BLOB"]);
  });

  test("data that is not the content does not stand for it", async () => {
    const builder = new LayoutBuilder();
    const config = { ...builder.blob("{}", EMPTY_JSON), data: "e3E=" };
    const layout = builder
      .entry(builder.image({ members: { config } }), { tag: "v1" })
      .forget(config)
      .layout();
    expect(await codes(layout)).toEqual(expect.arrayContaining(["error BLOB_MISSING", "error DATA_MISMATCH"]));
    expect((await repairLayout(layout)).steps).toEqual([]);
  });

  test("ACCESS_DENIED: rights are said as rights, with the command that helps, and repair takes nothing for it", async () => {
    const make = (): { layout: Layout; digest: Digest } => {
      const builder = new LayoutBuilder();
      const image = builder.image();
      const layout = builder.entry(image, { tag: "v1" }).layout();
      const { layers } = JSON.parse(new TextDecoder().decode(builder.blobs.get(image.digest))) as { layers: Descriptor[] };
      const { digest } = layers[0]!;
      const bytesMany = layout.blobs.bytesMany.bind(layout.blobs);
      const error = new OcilotError(
        "ACCESS_DENIED",
        `${digest}: no permission`,
        { path: blobPath(digest), syscall: "open", errno: "EACCES" },
        { hint: "sudo chown it" },
      );
      layout.blobs.bytesMany = async (ds, options) => (await bytesMany(ds, options)).map((b, i) => (ds[i]!.digest === digest ? error : b));
      return { layout, digest };
    };
    const { layout, digest } = make();
    const [finding] = (await verifyLayout(layout)).findings;
    expect(finding).toMatchObject({ code: "ACCESS_DENIED", digest, fix: "sudo chown it" });
    const { steps, left } = await repairLayout(layout, { from: [make().layout] });
    expect(steps).toEqual([]);
    expect(left.map((f) => f.code)).toEqual(["ACCESS_DENIED"]);
  });

  test("doctor says rights of a manifest that may not be read, and does not advise repair", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const layout = builder.entry(image, { tag: "v1" }).layout();
    const denied = { path: blobPath(image.digest), syscall: "open", errno: "EACCES" };
    const error = new OcilotError("ACCESS_DENIED", `${image.digest}: no permission`, denied, { hint: "sudo chown it" });
    layout.blobs.bytesMany = async (ds) => ds.map(() => error);
    const { traps } = await doctor(layout);
    expect(traps.find((t) => t.code === "FILES_PRIVATE")!.fix).toBe("sudo chown it");
    expect(traps.filter((t) => /repair|restore/.test(t.fix))).toEqual([]);
  });

  test("ACCESS_DENIED: also of index.json", async () => {
    const layout = new LayoutBuilder().layout();
    layout.index.read = async () => {
      throw new OcilotError(
        "ACCESS_DENIED",
        "index.json: no permission",
        { path: "index.json", syscall: "open", errno: "EACCES" },
        { hint: "chmod it" },
      );
    };
    const { findings } = await verifyLayout(layout);
    expect(findings).toEqual([expect.objectContaining({ code: "ACCESS_DENIED", path: "index.json", fix: "chmod it" })]);
  });

  test("a list that attach replaced leaves nothing that strict would fail", async () => {
    const layout = await cloneFixture(join(FIXTURES, "layouts/oras"), join(tempDir(), "layout"));
    await convert(layout, { to: "universal" });
    await collectGarbage(layout, { grace: 0 });
    expect(await codes(layout, { strict: true })).toEqual([]);
    const { digest } = await layout.resolve("v1");
    for (const name of ["a", "b"]) await attach(layout, digest, { artifactType: "a/b", annotations: { name } });
    expect(await codes(layout, { strict: true })).toEqual([]);
  });
});

describe("a list with wrong lines that a repair replaced", () => {
  const wrongList = (b: LayoutBuilder): { image: Descriptor; other: Descriptor; sbom: Descriptor; loose: Descriptor } => {
    const [image, other, loose] = [b.image(), b.image(), b.image()];
    b.entry(image, { tag: "v1" }).entry(other, { tag: "v2" });
    return { image, other, sbom: b.referrer(image), loose };
  };

  test("leaves nothing that strict would fail, whether its lines are of other subjects or have none", async () => {
    const b = new LayoutBuilder();
    const { image, other, sbom, loose } = wrongList(b);
    const list = b.list([sbom, b.referrer(other), loose]);
    b.entry(list, { tag: referrersTag(image.digest) });
    const layout = await b.directory(join(tempDir(), "layout"));
    expect(await codes(layout, { strict: true })).not.toEqual([]);
    await repairLayout(layout);
    const { findings } = await verifyLayout(layout, { strict: true });
    expect(findings.filter((f) => f.severity === "error")).toEqual([]);
    expect(findings.find((f) => f.digest === list.digest)).toMatchObject({
      code: "UNREFERENCED_BLOB",
      severity: "info",
      message: expect.stringContaining("a list of referrers that a newer one replaced") as string,
    });
  });

  test("is not what an image could be", async () => {
    const b = new LayoutBuilder();
    const { image, other, sbom } = wrongList(b);
    b.entry(b.list([sbom]), { tag: referrersTag(image.digest) });
    const images = [
      b.imageIndex([image, sbom]),
      b.imageIndex([{ ...other, platform: { os: "linux", architecture: "amd64" } }, sbom]),
      b.imageIndex([other, sbom], { annotations: { "org.opencontainers.image.version": "1" } }),
      b.imageIndex([other, sbom], { artifactType: "application/vnd.example.bundle" }),
      b.imageIndex([b.image(), sbom]),
      b.imageIndex([other]),
    ].map((d) => d.digest);
    const { findings } = await verifyLayout(b.layout());
    const warned = new Set(findings.flatMap((f) => (f.code === "UNREFERENCED_BLOB" && f.severity === "warning" ? f.digest! : [])));
    expect(images.filter((digest) => !warned.has(digest))).toEqual([]);
  });
});

describe("beside writers", () => {
  /** Runs `write` once, between the reading of `index.json` and the hashing of blobs. */
  function interrupted(layout: Layout, write: () => Promise<void>): void {
    const { size } = layout.blobs;
    let isDone = false;
    layout.blobs.size = async (digest) => {
      if (!isDone) {
        isDone = true;
        await write();
      }
      return await size.call(layout.blobs, digest);
    };
  }

  test("a referrer that is detached during the look is not missing", async () => {
    const layout = fixtureLayout("layouts/oras");
    const { digest } = await layout.resolve("v1");
    const added = await attach(layout, digest, { artifactType: "a/b" });
    expect(await codes(layout)).toEqual([]);
    interrupted(layout, async () => void (await detach(layout, added.digest)));
    expect((await verifyLayout(layout)).findings.filter((f) => f.severity === "error")).toEqual([]);
  });

  test("damage stays an error although index.json changes again and again", async () => {
    const layout = fixtureLayout("layouts/crane");
    const entry = (await layout.index.read()).entries[0]!;
    await layout.blobs.delete(entry.descriptor.digest);
    const { size } = layout.blobs;
    let n = 0;
    // Under the lock nobody else writes.
    const { update } = layout.index;
    const lock = async (edit: Parameters<typeof update>[0], options?: Parameters<typeof update>[1]): ReturnType<typeof update> => {
      if (options?.wait !== undefined) n = 30;
      return await update.call(layout.index, edit, options);
    };
    layout.index.update = lock;
    layout.blobs.size = async (digest) => {
      if (n < 30) await layout.index.update(() => [{ op: "annotate", position: 0, set: { n: String(n++) } }]);
      return await size.call(layout.blobs, digest);
    };
    expect(await codes(layout)).toContain("error BLOB_MISSING");
  });

  test("a referrer whose manifest is stored and not yet listed is waited for", async () => {
    const dir = join(tempDir(), "layout");
    await cloneFixture(join(FIXTURES, "layouts/oras"), dir);
    const [layout, writer] = [await Layout.open(dir, { sync: false }), await Layout.open(dir, { sync: false })];
    const { digest } = await layout.resolve("v1");
    let attaching: Promise<unknown> | undefined;
    // The writer holds the lock and has stored its manifest when the look begins.
    const put = writer.blobs.put.bind(writer.blobs);
    const stored = new Promise<void>((resolve) => {
      writer.blobs.put = async (source, options) => {
        const d = await put(source, options);
        if (options?.expect?.mediaType.includes("manifest") === true) {
          resolve();
          await new Promise((wait) => setTimeout(wait, 200));
        }
        return d;
      };
    });
    attaching = attach(writer, digest, { artifactType: "a/b" });
    await stored;
    expect((await verifyLayout(layout)).findings.filter((f) => f.severity === "error")).toEqual([]);
    await attaching;
  });
});
