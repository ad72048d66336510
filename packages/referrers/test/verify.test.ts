import { appendFileSync, cpSync, chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Descriptor,
  type Digest,
  EMPTY_JSON,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  Layout,
  REF_NAME,
  blobPath,
  digestOf,
} from "@ocilot/layout";
import {
  FINDINGS,
  type Finding,
  type FindingCode,
  SPARSE_PLATFORMS,
  checkPolicy,
  compareReceipts,
  copyLayout,
  makeReceipt,
  parseRequire,
  verifyLayout,
} from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder, fixtureNames, tempDir } from "@ocilot/testkit";

interface RawIndex {
  manifests: Record<string, any>[];
  [member: string]: unknown;
}

/** A copy of a fixture that a test damages. */
class Victim {
  readonly dir: string = join(tempDir(), "layout");

  constructor(name: string) {
    cpSync(join(FIXTURES, name), this.dir, { recursive: true });
  }

  path(digest: string): string {
    return join(this.dir, blobPath(digest as Digest));
  }

  index(): RawIndex {
    return JSON.parse(readFileSync(join(this.dir, "index.json"), "utf8")) as RawIndex;
  }

  editIndex(edit: (index: RawIndex) => void): void {
    const index = this.index();
    edit(index);
    writeFileSync(join(this.dir, "index.json"), JSON.stringify(index));
  }

  manifest(digest: string): Record<string, any> {
    return JSON.parse(readFileSync(this.path(digest), "utf8")) as Record<string, any>;
  }

  /** Stores a document and returns its descriptor. */
  put(json: unknown, mediaType: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify(json));
    const digest = digestOf(bytes);
    writeFileSync(this.path(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** The entry that bears `v1`. */
  root(): Record<string, any> {
    return this.index().manifests.find((m) => m["annotations"]?.[REF_NAME] === "v1")!;
  }

  /** The first layer of the first platform of `v1`. */
  layer(): Descriptor {
    const root = this.manifest(this.root()["digest"]);
    const image = root["manifests"] === undefined ? root : this.manifest(root["manifests"][0].digest);
    return image["layers"][0];
  }

  /** Adds a referrer of the first entry with one layer of that text. */
  attach({
    mediaType,
    text,
    artifactType,
    ...more
  }: {
    mediaType: string;
    text: string;
    artifactType: string;
    annotations?: object;
  }): void {
    const { annotations: _, ...subject } = this.index().manifests[0]!;
    const empty = this.put({}, EMPTY_JSON);
    const layer = this.put(JSON.parse(text), mediaType);
    const referrer = this.put(
      { schemaVersion: 2, mediaType: IMAGE_MANIFEST, artifactType, config: empty, layers: [layer], subject, ...more },
      IMAGE_MANIFEST,
    );
    this.editIndex((i) => void i.manifests.push({ ...referrer, artifactType }));
  }

  async verify(options: Parameters<typeof verifyLayout>[1] = {}): Promise<readonly Finding[]> {
    return (await verifyLayout(await Layout.open(this.dir), options)).findings;
  }
}

const codesOf = (findings: readonly Finding[]): FindingCode[] => [...new Set(findings.map((f) => f.code))].toSorted();

/** One way of damaging one thing, for each code: what is found is that and nothing else. */
const DAMAGES: readonly [code: FindingCode, fixture: string, damage: (v: Victim) => void | Promise<void>, path?: string][] = [
  ["BLOB_MISSING", "layouts/oras", (v) => rmSync(v.path(v.layer().digest)), "v1 → linux/amd64 → layer 1"],
  ["BLOB_CORRUPT", "layouts/oras", (v) => appendFileSync(v.path(v.layer().digest), "x"), "v1 → linux/amd64 → layer 1"],
  ["SIZE_MISMATCH", "layouts/crane", (v) => v.editIndex((i) => i.manifests[0]!["size"]++)],
  ["MEDIA_TYPE_MISMATCH", "layouts/skopeo", (v) => v.editIndex((i) => (i.manifests[0]!["mediaType"] = IMAGE_MANIFEST))],
  [
    "DATA_MISMATCH",
    "layouts/umoci",
    (v) => {
      const root = v.index().manifests[0]!;
      const manifest = v.manifest(root["digest"]);
      rmSync(v.path(root["digest"]));
      const d = v.put({ ...manifest, config: { ...manifest["config"], data: "eHh4" } }, IMAGE_MANIFEST);
      v.editIndex((i) => (i.manifests = [{ ...root, ...d }]));
    },
  ],
  [
    "STATEMENT_SUBJECT",
    "layouts/cosign-tags",
    (v) =>
      v.editIndex((i) => {
        // The signature of one image under the tag of another.
        const root = v.root();
        const other = v.put({ ...v.manifest(root["digest"]), annotations: { other: "yes" } }, root["mediaType"]);
        const sig = i.manifests.find((m) => String(m["annotations"]?.[REF_NAME]).endsWith(".sig"))!;
        sig["annotations"] = { [REF_NAME]: `${other.digest.replace(":", "-")}.sig` };
        i.manifests.push({ ...other, annotations: { [REF_NAME]: "other" } });
      }),
  ],
  [
    "STATEMENT_MALFORMED",
    "layouts/umoci",
    (v) =>
      v.attach({ mediaType: "application/vnd.in-toto+json", text: '{"predicateType":1}', artifactType: "application/vnd.in-toto+json" }),
  ],
  [
    "STATEMENT_NOTE",
    "layouts/umoci",
    (v) =>
      v.attach({
        mediaType: "application/vnd.cyclonedx+json",
        text: '{"spdxVersion":"SPDX-2.3"}',
        artifactType: "application/vnd.cyclonedx+json",
      }),
  ],
  [
    "REFERRER_UNLISTED",
    "layouts/oras",
    (v) => v.editIndex((i) => (i.manifests = i.manifests.filter((m) => m["annotations"]?.[REF_NAME] !== undefined))),
  ],
  [
    "MANIFEST_LARGE",
    "layouts/umoci",
    (v) => v.attach({ mediaType: "a/b", text: "{}", artifactType: "a/b", annotations: { note: "x".repeat(4 << 20) } }),
  ],
  ["UNREADABLE", "layouts/oras", (v) => writeFileSync(join(v.dir, "index.json"), '{"manifests":'), "index.json"],
  [
    "ALGORITHM_UNSUPPORTED",
    "layouts/umoci",
    (v) => {
      const bytes = Buffer.from("a layer");
      mkdirSync(join(v.dir, "blobs/md5"));
      writeFileSync(join(v.dir, "blobs/md5/abc"), bytes);
      const root = v.index().manifests[0]!;
      const manifest = v.manifest(root["digest"]);
      rmSync(v.path(root["digest"]));
      const d = v.put({ ...manifest, layers: [{ mediaType: "text/plain", digest: "md5:abc", size: bytes.length }] }, IMAGE_MANIFEST);
      v.editIndex((i) => (i.manifests = [{ ...root, ...d }]));
    },
  ],
  [
    "SUBJECT_DANGLING",
    "layouts/umoci",
    (v) => {
      const subject = { mediaType: IMAGE_MANIFEST, digest: digestOf(Buffer.from("gone")), size: 4 };
      const root = v.index().manifests[0]!;
      const d = v.put({ ...v.manifest(root["digest"]), mediaType: IMAGE_MANIFEST, subject }, IMAGE_MANIFEST);
      v.editIndex((i) => i.manifests.push({ ...d }));
    },
  ],
  [
    "RECORD_STALE",
    "layouts/regclient",
    (v) => {
      const list = v.index().manifests.find((m) => m["annotations"]?.[REF_NAME]?.startsWith("sha256-"))!;
      const old = v.manifest(list["digest"]);
      rmSync(v.path(list["digest"]));
      const d = v.put({ ...old, manifests: old["manifests"].map((m: object) => ({ ...m, annotations: undefined })) }, IMAGE_INDEX);
      v.editIndex(
        (i) => (i.manifests = i.manifests.map((m) => (m["digest"] === list["digest"] ? { ...m, digest: d.digest, size: d.size } : m))),
      );
    },
  ],
  [
    "RECORD_CONFLICT",
    "layouts/umoci",
    (v) => v.editIndex((i) => (i.manifests[0]!["annotations"]["org.olareg.referrer.subject"] = i.manifests[0]!["digest"])),
  ],
  ["TAG_DUPLICATE", "layouts/skopeo", (v) => v.editIndex((i) => i.manifests.push(i.manifests[0]!))],
  ["UNREFERENCED_BLOB", "layouts/crane", (v) => void v.put({ nobody: "names me" }, "text/plain")],
  [
    "LEFTOVER_FILE",
    "layouts/crane",
    (v) => writeFileSync(join(v.dir, ".ocilot-tmp-00000000-999999-000000000000"), ""),
    ".ocilot-tmp-00000000-999999-000000000000",
  ],
  ["INDEX_QUIRK", "layouts/crane", (v) => appendFileSync(join(v.dir, "index.json"), "{}"), "index.json"],
  ["LAYOUT_FORM", "layouts/crane", (v) => rmSync(join(v.dir, "oci-layout")), "oci-layout"],
  ["LAYOUT_VERSION", "layouts/crane", (v) => writeFileSync(join(v.dir, "oci-layout"), '{"imageLayoutVersion":"1.0.1"}'), "oci-layout"],
  ["PERMISSION", "layouts/oras", (v) => chmodSync(v.path(v.layer().digest), 0o600)],
  [
    "FOREIGN_LAYER",
    "layouts/umoci",
    (v) => {
      const root = v.index().manifests[0]!;
      const manifest = v.manifest(root["digest"]);
      rmSync(v.path(root["digest"]));
      const layer = {
        mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        digest: digestOf(Buffer.from("far")),
        size: 3,
        urls: ["https://example.com/far"],
      };
      const d = v.put({ ...manifest, layers: [layer] }, IMAGE_MANIFEST);
      v.editIndex((i) => (i.manifests = [{ ...root, ...d }]));
    },
  ],
  ["FOREIGN_FILE", "layouts/crane", (v) => writeFileSync(join(v.dir, "README.md"), "hello"), "README.md"],
];

describe("one damage, one code", () => {
  it.each(DAMAGES)("%s in %s", async (code, fixture, damage, path) => {
    const victim = new Victim(fixture);
    const before = codesOf(await victim.verify());
    await damage(victim);
    const findings = await victim.verify();
    expect(codesOf(findings).filter((c) => !before.includes(c))).toEqual([code]);
    const found = findings.find((f) => f.code === code)!;
    expect(found.severity).toBe(FINDINGS[code].severity);
    if (path !== undefined) expect(found.path).toBe(path);
    const strict = (await victim.verify({ strict: true })).find((f) => f.code === code)!;
    expect(strict.severity).toBe(found.severity === "info" ? "info" : "error");
  });

  it("SUBJECT_MISMATCH: a referrer that states another size", async () => {
    const findings = await new Victim("edge/wrong-subject-size").verify();
    expect(codesOf(findings)).toEqual(["SUBJECT_MISMATCH"]);
    expect(findings[0]!.path).toMatch(/^v1 → referrer .* → subject sha256:/);
  });

  it("SPARSE_PLATFORM: what a copy left out is told apart from what is missing", async () => {
    const source = await Layout.open(join(FIXTURES, "layouts/oras"));
    const target = await Layout.create(join(tempDir(), "sparse"), { sync: false });
    await copyLayout(source, target, { reference: "v1", platforms: [{ os: "linux", architecture: "amd64" }] });
    const [entry] = (await target.index.read()).entries;
    expect(entry!.descriptor.annotations?.[SPARSE_PLATFORMS]).toBe("linux/amd64");
    const findings = (await verifyLayout(target)).findings.filter((f) => f.severity !== "info");
    expect(findings).toEqual([]);
    const codes = codesOf((await verifyLayout(target)).findings);
    expect(codes).toContain("SPARSE_PLATFORM");
    const kept = JSON.parse(Buffer.from(await target.blobs.bytes(entry!.descriptor)).toString()) as { manifests: Descriptor[] };
    await target.blobs.delete(kept.manifests[0]!.digest);
    expect(codesOf((await verifyLayout(target)).findings)).toContain("BLOB_MISSING");
  });

  it("SUBJECT_NOT_LISTED: a platform with referrers and no entry, where oras is spoken", async () => {
    expect(codesOf(await new Victim("layouts/regclient-then-oras").verify())).toContain("SUBJECT_NOT_LISTED");
  });

  it("LINK_NOTE: a subject where it means nothing", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const odd = b.image({ mediaType: "application/vnd.docker.distribution.manifest.v2+json", members: { subject: image } });
    const layout = b.entry(image, { tag: "v1" }).entry(odd, { tag: "odd" }).layout();
    expect(codesOf((await verifyLayout(layout)).findings)).toEqual(["LINK_NOTE"]);
  });

  it("REQUIREMENT_* and RECEIPT_*: see policy.test.ts and receipt.test.ts; BLOB_EMBEDDED and ACCESS_DENIED: verify-sound.test.ts", async () => {
    const others = Object.keys(FINDINGS).filter((c) => !c.startsWith("REQUIREMENT_") && !c.startsWith("RECEIPT_"));
    const here = new Set([
      ...DAMAGES.map(([code]) => code),
      "SUBJECT_MISMATCH",
      "BLOB_EMBEDDED",
      "ACCESS_DENIED",
      "SPARSE_PLATFORM",
      "SUBJECT_NOT_LISTED",
      "LINK_NOTE",
    ]);
    expect(others.filter((c) => !here.has(c))).toEqual([]);
    expect([checkPolicy, compareReceipts, makeReceipt, parseRequire].every((f) => typeof f === "function")).toBe(true);
  });
});

describe("verifyLayout", () => {
  it("finds no error in what the tools wrote, but what is known to be wrong", async () => {
    const errors: Record<string, FindingCode[]> = {};
    for (const group of ["layouts", "edge"] as const) {
      for (const name of fixtureNames(group)) {
        const { findings } = await verifyLayout(await Layout.open(join(FIXTURES, group, name)));
        const codes = codesOf(findings.filter((f) => f.severity === "error"));
        if (codes.length > 0) errors[name] = codes;
      }
    }
    expect(errors).toEqual({
      "cosign-save-bundle": ["REFERRER_UNLISTED"],
      "docker-types-after-umoci-gc": ["BLOB_MISSING"],
      "reset-by-cosign-save": ["REFERRER_UNLISTED"],
      "wrong-subject-size": ["SUBJECT_MISMATCH"],
    });
  });

  it("names each finding by a way that a program can follow, and by the command that mends it", async () => {
    const victim = new Victim("layouts/oras");
    rmSync(victim.path(victim.layer().digest));
    const [found] = await victim.verify();
    expect(found!.steps.map((s) => s.kind)).toEqual(["entry", "child", "layer"]);
    expect(found!.digest).toBe(victim.layer().digest);
    expect(found!.fix).toBe(`ocilot repair ${victim.dir} --from OTHER`);
  });

  it("verifies a part only, where references are given", async () => {
    const victim = new Victim("layouts/oras");
    const root = victim.manifest(victim.root()["digest"]);
    const [first, second] = root["manifests"] as Descriptor[];
    rmSync(victim.path((victim.manifest(first!.digest)["config"] as Descriptor).digest));
    expect(codesOf(await victim.verify({ references: [`@${first!.digest}`] }))).toEqual(["BLOB_MISSING"]);
    expect(codesOf(await victim.verify({ references: [`@${second!.digest}`] }))).toEqual([]);
    await expect(victim.verify({ references: ["nothing"] })).rejects.toMatchObject({ code: "REF_NOT_FOUND" });
  });

  it("hashes large blobs in threads as it does without them", async () => {
    const dir = join(tempDir(), "large");
    const layout = await Layout.create(dir, { sync: false });
    const layers: Descriptor[] = [];
    for (let i = 0; i < 4; i++) layers.push(await layout.blobs.put(Buffer.alloc((2 << 20) + i, i), { mediaType: "text/plain" }));
    const config = await layout.blobs.put(Buffer.from("{}"), { mediaType: "application/vnd.oci.empty.v1+json" });
    const text = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers }));
    await layout.tag(await layout.blobs.put(text, { mediaType: IMAGE_MANIFEST }), "v1");
    const flipped = Buffer.alloc((2 << 20) + 1, 9);
    writeFileSync(join(dir, blobPath(layers[1]!.digest)), flipped);
    const outside = join(tempDir(), "outside");
    renameSync(join(dir, blobPath(layers[2]!.digest)), outside);
    symlinkSync(outside, join(dir, blobPath(layers[2]!.digest)));
    const seen: number[] = [];
    for (const workers of [0, 2]) {
      const { findings, checked } = await verifyLayout(layout, { workers, onProgress: (p) => seen.push(p.bytes / p.totalBytes) });
      expect(findings.filter((f) => f.severity === "error").map((f) => [f.code, f.path])).toEqual([
        ["BLOB_CORRUPT", "v1 → layer 2"],
        ["UNREADABLE", "v1 → layer 3"],
      ]);
      expect(checked.blobs).toBe(5);
      expect(seen.at(-1)).toBeGreaterThanOrEqual(1);
    }
  });

  it("ends at once when it is interrupted", async () => {
    const layout = await Layout.open(join(FIXTURES, "layouts/oras"));
    await expect(verifyLayout(layout, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  });
});
