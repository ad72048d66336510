import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONTAINERD_SUBJECT, type Descriptor, KIND, Layout, OLAREG_CONVERT, OLAREG_SUBJECT, memoryBackend } from "@ocilot/layout";
import {
  type Diagnosis,
  TOOLS,
  TRAPS,
  TRAP_CODES,
  type ToolHealth,
  type TrapCode,
  convert,
  doctor,
  lift,
  referrersTag,
} from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, fixtureNames, fixtureTruths, tempDir } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { BUNDLE, SIMPLE_SIGNING, cosignImage, tagOf } from "./every-class.js";
import { MEASURED } from "./measured.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A diagnosis, which is plain data. The schema of the command line is compared with it by the tests of the command line. */
async function diagnose(layout: Layout, tools?: readonly string[]): Promise<Diagnosis> {
  const diagnosis = await doctor(layout, tools === undefined ? {} : { tools: tools as never });
  const plain = JSON.parse(JSON.stringify(diagnosis)) as Diagnosis;
  expect(plain).toEqual(diagnosis);
  return diagnosis;
}

const COLUMNS = ["oras", "regctl", "regctl-slow", "olareg", "containerd"];

describe("doctor agrees with what the real programs were seen to find", () => {
  const rows = MEASURED.trim()
    .split("\n")
    .map((line) => line.split(/\s+/));

  it.each(rows)("%s: of %i", async (name, ...figures) => {
    const [there, ...found] = figures.map(Number);
    const { tools, links, healthy } = await diagnose(fixtureLayout(`layouts/${name}`));
    const by = COLUMNS.map((id) => tools.find((t) => t.id === id)!);
    expect(by.map((t) => t.found)).toEqual(found);
    expect(by.map((t) => t.total)).toEqual(COLUMNS.map(() => there));
    expect(links).toBe(there);
    expect(healthy).toBe(false);
  });

  it("finds nothing to be found in the others, and takes edges.json for the truth", async () => {
    for (const [name, truth] of Object.entries(fixtureTruths())) {
      const { links, healthy } = await diagnose(fixtureLayout(`layouts/${name}`));
      expect(links, name).toBe(Object.values(truth).flat().length);
      expect(healthy, name).toBe(links === 0);
    }
  });

  it("calls every fixture healthy once it is universal, however hard a case", async () => {
    for (const group of ["layouts", "edge"] as const) {
      for (const name of fixtureNames(group)) {
        const layout = fixtureLayout(`${group}/${name}`);
        if (name === "wrong-subject-size") continue;
        await lift(layout, { from: ["legacy"] });
        await convert(layout, { to: "universal", scan: true });
        expect(
          (await diagnose(layout)).tools.filter((t) => t.judged && !t.healthy),
          name,
        ).toEqual([]);
      }
    }
  });
});

describe("who is judged", () => {
  it("is oras, notation, regctl, olareg and containerd unless told, and decides alone", async () => {
    const layout = fixtureLayout("layouts/oras");
    const usual = await diagnose(layout);
    expect(usual.tools.map((t) => t.id)).toEqual(TOOLS.map((t) => t.id));
    expect(usual.tools.filter((t) => t.judged).map((t) => t.id)).toEqual(["oras", "notation", "regctl", "olareg", "containerd"]);
    const told = await diagnose(layout, ["oras", "zot"]);
    expect(told.healthy).toBe(true);
    expect(told.traps.map((t) => [t.code, t.severity])).toEqual([["UNTAGGED_ENTRIES", "warning"]]);
  });

  it("asks notation for its own signatures only, and cosign for bundles", async () => {
    const { tools } = await diagnose(fixtureLayout("layouts/notation"));
    const notation = tools.find((t) => t.id === "notation")!;
    expect([notation.found, notation.total, notation.healthy]).toEqual([1, 1, true]);
    expect((await diagnose(fixtureLayout("layouts/cosign-save-bundle"))).tools.find((t) => t.id === "cosign")!.total).toBe(1);
  });

  it("is cosign as well for an image with a bundle of it, and the fix lets it find that", async () => {
    const layout = fixtureLayout("cases/cosign-bundle-one-image");
    const judged = (d: Diagnosis): ToolHealth | undefined => d.tools.find((t) => t.id === "cosign" && t.judged);
    for (const before of [await diagnose(layout), (await convert(layout, { to: "universal" }), await diagnose(layout))]) {
      expect(judged(before)).toMatchObject({ found: 0, total: 1, healthy: false });
      const trap = before.traps.find((t) => t.code === "NOT_RECORDED");
      expect(trap).toMatchObject({ severity: "error", fix: expect.stringMatching(/--to universal,cosign-save$/) as string });
      expect(trap!.programs).toContain("cosign");
    }
    await convert(layout, { to: ["universal", "cosign-save"] });
    const after = await diagnose(layout);
    expect([after.healthy, judged(after)?.found]).toEqual([true, 1]);
  });

  it("is cosign only where told for an image index, which it verifies in a registry", async () => {
    const layout = fixtureLayout("layouts/oras-cosign-bundle");
    await convert(layout, { to: "universal" });
    expect((await diagnose(layout)).healthy).toBe(true);
    const { healthy, traps } = await diagnose(layout, ["cosign"]);
    expect(healthy).toBe(false);
    expect(traps.find((t) => t.code === "NOT_RECORDED")!.fix).toMatch(/^ocilot copy --all \S+ docker:/);
  });

  it("does not ask oras for the referrers of what is not there, for it cannot be asked", async () => {
    const b = new LayoutBuilder();
    const gone = b.image();
    const layout = b.entry(b.image(), { tag: "v1" }).listed(b.referrer(gone)).forget(gone).layout();
    const { tools } = await diagnose(layout, ["oras"]);
    expect(tools.find((t) => t.id === "oras")).toMatchObject({ found: 0, total: 0, healthy: true });
    expect(tools.find((t) => t.id === "regctl")).toMatchObject({ found: 0, total: 1, healthy: false });
  });
});

it("names each convention with the entries that speak it", async () => {
  const { conventions } = await diagnose(fixtureLayout("layouts/olareg"));
  expect(conventions.map((c) => [c.id, c.entries.length, c.flags])).toEqual([["olareg", 3, [OLAREG_CONVERT]]]);
  expect(conventions[0]!.entries[0]).toMatchObject({ position: 1, digest: expect.stringMatching(/^sha256:dfa71/) as string });
});

/** For each trap, layouts that have it: how they are made, whether the judged tools suffer, and the start of the command. */
const CASES: Record<TrapCode, () => Layout | Promise<Layout>> = {
  LIST_INEXACT: () => fixtureLayout("edge/inexact-fallback-list"),

  LIST_NOT_SERVED() {
    const { b, image } = tagged();
    b.entry(b.list([b.referrer(image)]), { tag: referrersTag(image.digest) }).annotate({ [OLAREG_CONVERT]: "true" });
    return b.layout();
  },

  REFERRER_UNLISTED: () => fixtureLayout("layouts/cosign-save-bundle"),

  MANIFEST_UNREADABLE() {
    const { b } = tagged();
    const bad = b.image();
    b.entries.push({ mediaType: bad.mediaType, digest: bad.digest, size: bad.size + 1 });
    return b.layout();
  },

  SUBJECT_MISMATCH: () => fixtureLayout("edge/wrong-subject-size"),

  SUBJECT_DANGLING() {
    const { b } = tagged();
    const gone = b.image();
    return b.listed(b.referrer(gone)).forget(gone).layout();
  },

  MANIFEST_LARGE() {
    const { b, image } = tagged();
    return b.listed(b.referrer(image, { annotations: { note: "x".repeat(4 << 20) } })).layout();
  },

  DOCKER_TYPES: () => fixtureLayout("edge/docker-types-after-umoci-gc"),

  NO_TAGS() {
    const b = new LayoutBuilder();
    return b.entry(b.image()).layout();
  },

  INDEX_UNSAFE: async () => await withIndex("\ufeff{}"),

  async FILES_PRIVATE() {
    const { b } = tagged();
    const layout = await b.directory(join(tempDir(), "layout"));
    chmodSync(join(layout.location, "index.json"), 0o600);
    return layout;
  },

  TAG_LIKE_LIST() {
    const { b, image } = tagged();
    return b.entry(b.image(), { tag: referrersTag(image.digest) }).layout();
  },

  UNTAGGED_ENTRIES() {
    const { b, image } = tagged();
    return b.listed(b.referrer(image)).layout();
  },

  HAULER_DROPS() {
    const b = new LayoutBuilder();
    const image = b.image();
    const names = { "io.containerd.image.name": "example.com/app:v1", [KIND]: "dev.hauler/image" };
    return b.entry(image, { tag: "app:v1", annotations: names }).listed(b.referrer(image)).layout();
  },

  SKOPEO_REPLACES() {
    const { b, image } = tagged();
    return b.entry(b.image(), { annotations: { [CONTAINERD_SUBJECT]: image.digest } }).layout();
  },

  SPARSE() {
    const b = new LayoutBuilder();
    const [here, gone] = [b.image(), b.image()];
    return b
      .entry(b.imageIndex([here, gone]), { tag: "v1" })
      .forget(gone)
      .layout();
  },

  NOT_RECORDED: () => fixtureLayout("layouts/oras"),
  NO_SUBJECT: () => fixtureLayout("layouts/cosign-tags"),
  LEGACY_TYPE: () => fixtureLayout("edge/legacy-artifact-manifests"),
};

/** A layout directory with any text for `index.json`. */
async function withIndex(text: string): Promise<Layout> {
  const layout = await new LayoutBuilder().directory(join(tempDir(), "layout"));
  writeFileSync(join(layout.location, "index.json"), text);
  return layout;
}

function tagged(): { b: LayoutBuilder; image: Descriptor } {
  const b = new LayoutBuilder();
  const image = b.image();
  b.entry(image, { tag: "v1" });
  return { b, image };
}

describe("each trap, made and named", () => {
  it("has the fifteen that have a number, each once, and four without", () => {
    const numbers = TRAP_CODES.flatMap((code) => TRAPS[code].number ?? []);
    expect(numbers.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
    expect(TRAP_CODES.length - numbers.length).toBe(4);
  });

  it.each(TRAP_CODES)("%s", async (code) => {
    const layout = await CASES[code]();
    const { traps } = await diagnose(layout);
    const trap = traps.find((t) => t.code === code);
    expect(trap, traps.map((t) => t.code).join()).toBeDefined();
    expect(trap!.effect).toBe(TRAPS[code].effect);
    expect(trap!.fix).not.toMatch(/LAYOUT|DIGEST|TAG\b/);
    for (const place of trap!.places) expect(place.message).not.toBe("");
    expect(traps.map((t) => t.code)).toEqual(TRAP_CODES.filter((c) => traps.some((t) => t.code === c)));
  });

  it("none of them in a layout that is as it should be", async () => {
    const { b } = tagged();
    expect((await diagnose(b.layout())).traps).toEqual([]);
    const other = tagged();
    const referrer = other.b.referrer(other.image);
    other.b.listed(referrer, { [CONTAINERD_SUBJECT]: other.image.digest });
    const { traps, healthy } = await diagnose(other.b.layout(), ["oras", "containerd"]);
    expect([traps, healthy]).toEqual([[], true]);
  });
});

describe("INDEX_UNSAFE", () => {
  it.each([
    ["{", "is not valid JSON"],
    ["\ufeff{}", "byte order mark"],
  ])("is all that can be told of %j", async (text, why) => {
    const layout = await withIndex(text);
    const diagnosis = await diagnose(layout);
    expect(diagnosis).toMatchObject({ healthy: false, conventions: [], links: 0 });
    expect(diagnosis.traps).toHaveLength(1);
    expect(diagnosis.traps[0]).toMatchObject({
      code: "INDEX_UNSAFE",
      severity: "error",
      fix: `cp OTHER/index.json ${layout.location}/index.json`,
    });
    expect(diagnosis.traps[0]!.places[0]!.message).toContain(why);
    for (const tool of diagnosis.tools) expect(tool.blocked).toHaveLength(1);
  });

  it("is said of another version and of what tools read differently, and the rest is read", async () => {
    const { b, image } = tagged();
    b.listed(b.referrer(image));
    const twice = new Layout(memoryBackend(`${b.text()}{}`, b.blobs));
    expect((await diagnose(twice)).traps[0]).toMatchObject({ code: "INDEX_UNSAFE", fix: "ocilot copy --all memory NEW" });
    const layout = await b.directory(join(tempDir(), "layout"));
    writeFileSync(join(layout.location, "oci-layout"), '{"imageLayoutVersion":"1.1.0"}');
    const { traps, links } = await diagnose(await Layout.open(layout.location));
    expect(traps[0]!.places).toEqual([{ message: "oci-layout states the version 1.1.0" }]);
    expect(links).toBe(1);
  });
});

describe("what is said of a trap", () => {
  it("is an error only where a judged tool that it concerns does not find everything", async () => {
    const weights = async (tools: string[]): Promise<string[]> => {
      const { traps } = await diagnose(fixtureLayout("edge/inexact-fallback-list"), tools);
      return traps.filter((t) => t.code === "LIST_INEXACT").map((t) => t.severity);
    };
    expect([await weights(["olareg"]), await weights(["regctl"])]).toEqual([["error"], ["warning"]]);
  });

  it("has a command with the layout's own names, quoted where a shell would need it", async () => {
    const b = new LayoutBuilder();
    const untagged = b.image();
    const layout = await b.entry(untagged).directory(join(tempDir(), "my layout"));
    const first = (await diagnose(layout)).traps.find((t) => t.code === "NO_TAGS");
    expect(first!.fix).toBe(`ocilot tag '${layout.location}@${untagged.digest}' latest`);
    const taken = (await diagnose(CASES.TAG_LIKE_LIST() as Layout)).traps.find((t) => t.code === "TAG_LIKE_LIST")!;
    expect(taken.fix).toBe(`ocilot tag memory@${taken.places[0]!.digest} NAME && ocilot untag memory:${taken.places[0]!.tag}`);
  });

  it("does not count what was lifted, nor an olareg list that is served", async () => {
    const layout = fixtureLayout("layouts/cosign-tags");
    await lift(layout);
    expect((await diagnose(layout)).traps.map((t) => t.code)).not.toContain("NO_SUBJECT");
    const { b, image } = tagged();
    const list = b.list([b.referrer(image)]);
    b.entry(list, { tag: referrersTag(image.digest), annotations: { [OLAREG_SUBJECT]: image.digest } }).annotate({
      [OLAREG_CONVERT]: "true",
    });
    expect((await diagnose(b.layout())).traps.map((t) => t.code)).not.toContain("LIST_NOT_SERVED");
  });

  it("tells a digest algorithm that oras does not have from a damaged manifest", async () => {
    const { b } = tagged();
    b.entry(b.image({ algorithm: "blake3" }), { tag: "v2" });
    const [trap] = (await diagnose(b.layout())).traps;
    expect(trap).toMatchObject({ code: "MANIFEST_UNREADABLE", severity: "error" });
    expect(trap!.places[0]!.message).toContain("does not know the digest algorithm");
  });

  it("knows an image that cosign saved, whose kind an unnamed copy of it would take away", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { annotations: { [KIND]: "dev.cosignproject.cosign/image" } });
    b.referrer(image, { artifactType: BUNDLE });
    const codes = (await diagnose(b.layout())).traps.map((t) => t.code);
    expect(codes).toEqual(["REFERRER_UNLISTED", "NOT_RECORDED", "NO_TAGS", "UNTAGGED_ENTRIES", "SKOPEO_REPLACES"]);
    b.entry(cosignImage(b, SIMPLE_SIGNING), { tag: tagOf(image, "sig") });
    expect((await diagnose(b.layout())).traps.find((t) => t.code === "SKOPEO_REPLACES")!.fix).toBe("ocilot lift memory");
  });
});

it("each tag that looks like that of a list has a command of its own", async () => {
  const { b, image } = tagged();
  const others = [b.image(), b.image()];
  for (const [i, subject] of [image, others[0]!].entries()) b.entry(others[i]!, { tag: referrersTag(subject.digest) });
  const traps = (await diagnose(b.layout())).traps.filter((t) => t.code === "TAG_LIKE_LIST");
  expect(traps.map((t) => t.fix)).toEqual(
    [image, others[0]!].map(
      (subject, i) => `ocilot tag memory@${others[i]!.digest} NAME && ocilot untag memory:${referrersTag(subject.digest)}`,
    ),
  );
});

it("a manifest of a withdrawn type, which names its subject itself, loses no link to skopeo copy; the fix of its own trap lifts it", async () => {
  const layout = fixtureLayout("edge/legacy-artifact-manifests");
  const { traps } = await diagnose(layout);
  expect(traps.map((t) => t.code)).toEqual(["NOT_RECORDED", "LEGACY_TYPE", "UNTAGGED_ENTRIES"]);
  expect(traps[1]!.fix).toBe("ocilot lift memory --from legacy");
  await lift(layout, { from: ["legacy"] });
  expect((await diagnose(layout)).traps.map((t) => t.code)).not.toContain("LEGACY_TYPE");
  const { b, image } = tagged();
  b.listed(b.referrer(image, { shape: "artifact" })).entry(b.image(), { annotations: { [CONTAINERD_SUBJECT]: image.digest } });
  const found = (await diagnose(b.layout())).traps.find((t) => t.code === "SKOPEO_REPLACES")!;
  expect([found.places.length, found.fix]).toEqual([1, "ocilot lift memory"]);
});

it("the table of docs/doctor.md is the table in the code", () => {
  const page = readFileSync(join(ROOT, "docs/doctor.md"), "utf8");
  const cells = page.split("\n").flatMap((line) => {
    const row = line.split("|").map((cell) => cell.trim());
    return /`[A-Z_]+`$/.test(row[1] ?? "") ? [row.slice(1, -1)] : [];
  });
  const rows = TRAP_CODES.map((code) => {
    const { number, programs, effect, fix } = TRAPS[code];
    return [`<a id="${code}"></a>\`${code}\``, String(number ?? ""), programs.join(", ") || "those judged", effect, `\`${fix}\``];
  });
  expect(cells).toEqual(rows);
});

describe("an index.json that programs in Go refuse", () => {
  const asked = async (change: (text: string) => string): Promise<Diagnosis["tools"][number]> => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" }).listed(b.referrer(image));
    const { tools } = await diagnose(new Layout(memoryBackend(change(b.text()), b.blobs)));
    return tools.find((t) => t.id === "oras")!;
  };

  it.each([
    ["a size with a fraction", (text: string) => text.replace(/"size":(\d+)/, '"size":$1.0')],
    ["a size with an exponent", (text: string) => text.replace(/"size":(\d+)/, '"size":$1e0')],
    ["a schemaVersion with a fraction", (text: string) => text.replace('"schemaVersion":2', '"schemaVersion":2.0')],
  ])("for %s: oras finds nothing, and the reason is told", async (_, change) => {
    const { found, total, healthy, blocked } = await asked(change);
    expect({ found, total, healthy }).toEqual({ found: 0, total: 1, healthy: false });
    expect(blocked).toEqual([expect.stringMatching(/^index\.json: .*integer/)]);
  });

  // Measured with oras 1.3.3: it takes the last of two members, and reads no further than the first JSON value.
  it.each([
    ["plain", (text: string) => text],
    ["a member that occurs twice, the last one full", (text: string) => text.replace('"manifests"', '"manifests":[],"manifests"')],
    ["bytes behind it", (text: string) => `${text}x`],
  ])("is not refused: %s", async (_, change) => {
    expect(await asked(change)).toMatchObject({ found: 1, total: 1, healthy: true, blocked: [] });
  });
});
