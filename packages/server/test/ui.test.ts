import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONTAINERD_IMAGE_NAME, type Digest, IMAGE_CONFIG, type Layout, blobPath } from "@ocilot/layout";
import {
  type EvidenceModel,
  type LayoutModel,
  type RegistryOptions,
  Registry,
  createServer,
  inspectPage,
  openRepositories,
  readLayout,
  readPackages,
  readReport,
  renderReport,
  sbomPackages,
} from "@ocilot/server";
import { LayoutBuilder, fixtureLayout, tempDir } from "@ocilot/testkit";
import { SCRIPT, STYLE } from "../src/ui/assets.js";
import { embedJson, escapeHtml } from "../src/ui/embed-json.js";
import { Client } from "./client.js";
import { HOSTILE, attached, demoLayout, hostileLayout } from "./ui-layouts.js";

async function serving(layouts: Record<string, Layout> | string, options: RegistryOptions = {}): Promise<Client> {
  const repositories = await openRepositories(layouts, { lockWait: 1000, sync: false });
  return new Client(new Registry(repositories, { pages: inspectPage(), ...options }));
}

/** Kinds as a nested list. */
function kinds(list: readonly EvidenceModel[]): unknown[] {
  return list.map((e) => [e.statements.map((s) => s.kind).join("+"), ...(e.referrers.length > 0 ? [kinds(e.referrers)] : [])]).toSorted();
}

describe("model of a layout", () => {
  test("images with tags, platforms and evidence as a tree", async () => {
    const { model } = await readLayout(demoLayout().layout(), { name: "team/app" });
    expect(model.images.map((i) => [i.tags, i.platforms.map((p) => p.platform)])).toEqual([
      [
        ["1.4.0", "latest"],
        ["linux/amd64", "linux/arm64/v8"],
      ],
      [["1.3.2"], []],
    ]);
    const [image] = model.images;
    expect(kinds(image!.evidence)).toEqual([["provenance"], ["signature"], ["vex"]]);
    expect(kinds(image!.platforms[0]!.evidence)).toEqual([["sbom", [["signature"]]]]);
    expect(image!.platforms[1]!.evidence[0]).toMatchObject({
      artifactType: "application/vnd.cyclonedx+json",
      conventions: ["oras"],
      created: "2026-10-01T08:00:00Z",
      hasSubject: true,
      readable: true,
      statements: [{ kind: "sbom", format: "cyclonedx", version: "1.6", document: "sbom.linux-arm64-v8.cdx.json" }],
    });
  });

  test.each([
    ["layouts/cosign-tags", ["attestation", "signature"], false],
    ["layouts/oras", ["sbom"], true],
  ])("evidence of %s, whichever convention records it", async (name, expected, hasSubject) => {
    const { model } = await readLayout(fixtureLayout(name), { name });
    const { evidence } = model.images.find((i) => i.tags.includes("v1"))!;
    expect(evidence.map((e) => e.statements[0]!.kind).toSorted()).toEqual(expected);
    expect(evidence.every((e) => e.hasSubject === hasSubject)).toBe(true);
  });

  test("an image that only manifest.json lists is shown, and not among the repositories of a shared layout", async () => {
    const b = demoLayout();
    const layer = b.blob("layer", "application/vnd.oci.image.layer.v1.tar");
    const config = b.blob(JSON.stringify({ os: "linux", architecture: "arm64" }), IMAGE_CONFIG);
    const layout = b.layout();
    const listed = (await readLayout(layout, { name: "x" })).model.images;
    const item = { Config: blobPath(config.digest), RepoTags: ["old:v1"], Layers: [blobPath(layer.digest)] };
    await layout.putDockerDocument("manifest.json", new TextEncoder().encode(JSON.stringify([item])));
    const { model } = await readLayout(layout, { name: "x" });
    expect(model.images.slice(0, -1)).toEqual(listed);
    expect(model.images.at(-1)).toMatchObject({
      digest: config.digest,
      tags: ["docker.io/library/old:v1"],
      platform: "linux/arm64",
      size: config.size + layer.size,
      file: "manifest.json",
    });
    const report = await readReport(layout, { name: "x", version: "1", time: new Date(0), verify: false });
    expect(report.commands[config.digest]).toEqual([]);
    const tagsOf = (): ReadonlyMap<string, Digest> => new Map();
    expect((await readLayout(layout, { name: "x", tagsOf })).model.images.filter((i) => i.file !== undefined)).toEqual([]);
    const whole = await readLayout(layout, { name: "x", tagsOf, isWhole: true });
    expect(whole.model.images.filter((i) => i.file !== undefined)).toHaveLength(1);
  });

  test("attestations of BuildKit are evidence of their platform and no platform", async () => {
    const { model } = await readLayout(fixtureLayout("layouts/buildkit-attestation"), { name: "x" });
    expect(model.images.flatMap((i) => i.platforms.map((p) => [p.platform, kinds(p.evidence)]))).toEqual([
      ["linux/amd64", [["provenance"]]],
      ["linux/arm64", [["provenance"]]],
    ]);
  });

  test("a missing manifest is told, and so is one that refers to itself in a circle of records", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" }).forget(image);
    expect((await readLayout(b.layout(), { name: "x" })).model.images[0]).toMatchObject({ problem: "missing" });
    const { model } = await readLayout(fixtureLayout("edge/subject-listed-as-its-own-referrer"), { name: "x" });
    expect(JSON.stringify(model).length).toBeLessThan(100_000);
  });

  test("a diamond of referrers is opened out once, not once for each way", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" });
    let level = [image];
    for (let depth = 0; depth < 12; depth++) {
      const next = level.flatMap((subject) => [b.referrer(subject), b.referrer(subject)]).slice(0, 40);
      for (const referrer of next) b.listed(referrer);
      level = next;
    }
    const { model } = await readLayout(b.layout(), { name: "x" });
    const total = (list: readonly EvidenceModel[]): number => list.reduce((n, e) => n + 1 + total(e.referrers), 0);
    expect(total(model.images[0]!.evidence)).toBe(b.entries.length - 1);
  });

  test("referrers beyond the limit are counted", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" });
    for (let i = 0; i < 2010; i++) b.listed(b.referrer(image));
    const { model } = await readLayout(b.layout(), { name: "x" });
    expect([model.images[0]!.evidence.length, model.leftOut]).toEqual([2000, 10]);
  });
});

describe("packages of an SBOM", () => {
  const one = { name: "a", version: "1", license: "MIT", purl: "pkg:npm/a@1" };
  const purl = "pkg:npm/a@1";

  test.each([
    [
      "SPDX 2",
      {
        spdxVersion: "SPDX-2.3",
        packages: [
          {
            name: "a",
            versionInfo: "1",
            licenseConcluded: "NOASSERTION",
            licenseDeclared: "MIT",
            externalRefs: [
              { referenceType: "cpe23Type", referenceLocator: "x" },
              { referenceType: "purl", referenceLocator: purl },
            ],
          },
        ],
      },
      [one],
    ],
    [
      "SPDX 3",
      {
        "@graph": [
          { type: "software_Package", name: "a", software_packageVersion: "1", software_packageUrl: purl },
          { type: "Tool", name: "b" },
        ],
      },
      [{ name: "a", version: "1", purl }],
    ],
    [
      "CycloneDX, nested",
      {
        bomFormat: "CycloneDX",
        components: [
          { name: "a", version: "1", purl, licenses: [{ license: { id: "MIT" } }], components: [{ group: "@s", name: "b" }] },
          { name: "c", licenses: [{ expression: "MIT OR Apache-2.0" }] },
        ],
      },
      [one, { name: "@s/b" }, { name: "c", license: "MIT OR Apache-2.0" }],
    ],
  ])("%s", (_, document, packages) => {
    expect(sbomPackages(document)).toEqual({ packages, leftOut: 0 });
  });

  test("deep nesting, long texts and many packages are bounded", () => {
    let deep: object = { name: "x" };
    for (let i = 0; i < 50_000; i++) deep = { name: "x", components: [deep] };
    expect(sbomPackages({ bomFormat: "CycloneDX", components: [deep] })).toMatchObject({ leftOut: 30_001 });
    expect(sbomPackages({ spdxVersion: "SPDX-2.3", packages: [{ name: "x".repeat(10_000) }] })!.packages[0]!.name).toHaveLength(501);
  });

  test("any JSON is answered", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("spdxVersion", "bomFormat", "@graph"), (value, member) => {
        for (const [key, marker] of [
          ["packages", "SPDX-2.3"],
          ["components", "CycloneDX"],
          ["@graph", ""],
        ] as const)
          sbomPackages({ [member]: marker === "" ? value : marker, [key]: value });
        sbomPackages(value);
      }),
    );
  });

  test("of a layout: each with its image and platform; what cannot be searched says why", async () => {
    const b = demoLayout();
    const image = b.image();
    b.entry(image, { tag: "xml" });
    b.listed(attached(b, image, "application/spdx+xml", "<spdx/>")).listed(attached(b, image, "application/spdx+json", "{"));
    const layout = b.layout();
    const sboms = await readPackages(layout, await readLayout(layout, { name: "x" }));
    expect(sboms.map((s) => [s.tags[0], s.platform, s.packages.length, s.problem !== undefined])).toEqual([
      ["1.4.0", "linux/amd64", 8, false],
      ["1.4.0", "linux/arm64/v8", 8, false],
      ["xml", "linux/amd64", 0, true],
      ["xml", "linux/amd64", 0, true],
    ]);
  });
});

describe("escaping", () => {
  test.each(HOSTILE)("%j in a script of data: read back the same, and no end of the element", (text) => {
    const json = embedJson({ [text]: [text, { text }] });
    expect(JSON.parse(json)).toEqual({ [text]: [text, { text }] });
    expect(json).not.toMatch(/[<>&\u2028\u2029\u202e\u200b]/u);
    expect(escapeHtml(text)).not.toMatch(/[<>"']/);
  });

  test("any value is read back the same", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
        const json = embedJson([value, text]);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify([value, text])));
        expect(json).not.toMatch(/[<>&\p{Zl}\p{Zp}\p{Cf}]/u);
      }),
    );
  });

  test("a report of hostile names has the elements of the page and no others", async () => {
    const options = { version: "1", time: new Date(0), verify: true };
    const elements = async (b: LayoutBuilder, name: string): Promise<string[]> => {
      const html = renderReport(await readReport(b.layout(), { name, ...options }));
      const data = /<script type="application\/json" id="data">(.*)<\/script>\n<script>/.exec(html)!;
      expect((JSON.parse(data[1]!) as { model: LayoutModel }).model.name).toBe(name);
      const rest = html.replace(SCRIPT, "").replace(STYLE, "");
      return [...rest.matchAll(/<\/?[a-z!-][^>]*>/gi)].map((m) => m[0].replace(/content="default-src[^"]*"/, ""));
    };
    const usual = await elements(demoLayout(), "x");
    for (const name of HOSTILE) expect(await elements(hostileLayout(), name)).toEqual(usual);
  });

  test("commands of a report quote what they are given, and name hostile tags by digest", async () => {
    const { commands } = await readReport(hostileLayout().layout(), { name: "it's here", version: "1", time: new Date(0), verify: false });
    const texts = Object.values(commands)
      .flat()
      .map((c) => c.text);
    expect(texts.length).toBeGreaterThan(20);
    for (const text of texts) expect(text).toMatch(/^ocilot \w+ 'it'\\''s here(@sha256:[0-9a-f]{64}|:__proto__)' [\w:/. -]+$/);
  });
});

describe("the page of a server", () => {
  test("is one document under a strict policy, without inline code by permission and without other hosts", async () => {
    const { status, headers, text } = await (await serving({ app: demoLayout().layout() })).send("GET", "/");
    expect(status).toBe(200);
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'sha256-[\w+/]+='; style-src 'sha256-[\w+/]+='; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(text.replace(SCRIPT, "").replace(STYLE, "")).not.toMatch(/(?:src|href)="(?!#)|https?:|style="|\son\w+="/);
    expect(text.match(/<script/g)).toHaveLength(1);
  });

  test("gives images, packages, diagnosis, verification and documents of a repository", async () => {
    const client = await serving({ "team/app": demoLayout().layout() });
    const get = async (part: string, query = ""): Promise<any> =>
      (await client.send("GET", `/ui/${part}?repository=team%2Fapp${query}`)).json;
    expect(await get("repositories")).toEqual({ repositories: ["team/app"] });
    const model = (await get("layout")) as LayoutModel;
    expect(model).toMatchObject({ name: "team/app", images: [{ tags: ["1.4.0", "latest"] }, { tags: ["1.3.2"] }] });
    expect((await get("packages")).sboms).toHaveLength(2);
    expect((await get("diagnosis")).tools.find((t: { id: string }) => t.id === "notation")).toMatchObject({ found: 2, total: 2 });
    expect(await get("verification")).toMatchObject({ checked: { referrers: 6 } });
    const [sbom] = model.images[0]!.platforms[0]!.evidence;
    const url = `/ui/document?repository=team/app&subject=${sbom!.subject}&referrer=${sbom!.digest}&position=0`;
    const { headers, text } = await client.send("GET", url);
    expect(headers).toMatchObject({
      "content-disposition": 'attachment; filename="sbom.linux-amd64.spdx.json"',
      "content-type": "application/octet-stream",
    });
    expect(JSON.parse(text)).toMatchObject({ spdxVersion: "SPDX-2.3" });
  });

  test.each([
    ["/ui/layout?repository=nobody", 404],
    ["/ui/layout?repository=../x", 404],
    ["/ui/layout", 404],
    ["/ui/constructor?repository=app", 404],
    ["/ui/nothing?repository=app", 404],
    ["/ui/document?repository=app&subject=x&referrer=y&position=0", 404],
    [`/ui/document?repository=app&subject=sha256:${"0".repeat(64)}&referrer=sha256:${"0".repeat(64)}&position=NaN`, 404],
  ])("%s is answered with %i", async (url, status) => {
    expect((await (await serving({ app: demoLayout().layout() })).send("GET", url)).status).toBe(status);
  });

  test("pages of other sites may not ask it, and nothing is written", async () => {
    const client = await serving({ app: demoLayout().layout() });
    const url = "/ui/verification?repository=app";
    for (const [site, status] of [
      ["cross-site", 403],
      ["same-site", 403],
      ["same-origin", 200],
      ["none", 200],
    ] as const)
      expect((await client.send("GET", url, { headers: { "sec-fetch-site": site } })).status).toBe(status);
    expect((await client.send("POST", url)).status).toBe(404);
  });

  test("shows only what may be read, also of two repositories in one layout", async () => {
    const b = new LayoutBuilder();
    const dir = tempDir();
    const open = b.image();
    const secret = b.image();
    for (const [image, name] of [
      [open, "r.example/team/open:v1"],
      [secret, "r.example/team/secret:v2"],
    ] as const)
      b.entry(image, { tag: name.split(":")[1]!, annotations: { [CONTAINERD_IMAGE_NAME]: name } });
    b.listed(attached(b, secret, "application/spdx+json", JSON.stringify({ spdxVersion: "SPDX-2.3", packages: [{ name: "hidden" }] })));
    await b.directory(dir);
    const client = await serving(dir, { access: [{ repositories: "team/open", anonymous: true, right: "read" }] });
    expect((await client.send("GET", "/ui/repositories")).json).toEqual({ repositories: ["team/open"] });
    for (const part of ["layout", "packages", "diagnosis", "verification"]) {
      expect((await client.send("GET", `/ui/${part}?repository=team/secret`)).status).toBe(404);
      const { status, text } = await client.send("GET", `/ui/${part}?repository=team/open`);
      expect(status).toBe(200);
      expect(text).not.toMatch(/secret|hidden/);
      expect(text).not.toContain(secret.digest);
      expect(text).not.toContain(dir);
    }
  });

  test("content of layouts is sandboxed, whatever type its owner gives it", async () => {
    const b = new LayoutBuilder();
    const html = b.blob("<script>globalThis.hacked = 1</script>", "text/html");
    b.entry(html, { tag: "v1" });
    await using server = await createServer({ app: b.layout() }, { pages: inspectPage() });
    for (const path of [`/v2/app/blobs/${html.digest}`, "/v2/app/manifests/v1", "/v2/app/tags/list", "/nothing"]) {
      const { headers } = await fetch(server.url + path);
      expect([headers.get("content-security-policy"), headers.get("x-content-type-options")]).toEqual([
        "default-src 'none'; sandbox",
        "nosniff",
      ]);
    }
    expect((await fetch(`${server.url}/`)).headers.get("content-security-policy")).toContain("script-src 'sha256-");
  });
});

test("assets.ts is what browser/ holds (node packages/server/embed-page.mjs writes it)", () => {
  const read = (name: string): string => readFileSync(new URL(`../src/ui/browser/${name}`, import.meta.url), "utf8");
  expect([STYLE, SCRIPT]).toEqual([read("page.css"), read("page.js")]);
  // Neither may end the element that it stands in.
  expect(STYLE + SCRIPT).not.toMatch(/<\/(?:script|style)|<!--/i);
});
