import { join } from "node:path";
import { type Descriptor, digestOf } from "@ocilot/layout";
import { type Diagnosis, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder as Builder } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { listCommands } from "../src/command-line/command-list.js";
import { FIXTURES, LayoutBuilder, copyOf, run, tempDir, treeOf } from "./helpers.js";
import { schemaErrors } from "./json-schemas.js";

async function diagnose(dir: string): Promise<Diagnosis> {
  return JSON.parse((await run("doctor", dir, "--json")).stdout) as Diagnosis;
}

test("shows what is spoken, who finds what, and each trap with its cure; and writes nothing", async () => {
  const dir = copyOf("layouts/oras");
  const before = treeOf(dir);
  const { code, stdout } = await run("doctor", dir);
  expect(code).toBe(7);
  expect(stdout).toContain("  oras: an entry for each referrer");
  expect(stdout).toMatch(/index\.json entry 3 {2}sha256:b238/);
  expect(stdout).toMatch(/^\* {2}oras 1\.3\.3 \(oras-go 2\.6\) +3 +3$/m);
  expect(stdout).toMatch(/^ {3}zot 2\.1 +3 +3$/m);
  expect(stdout).toContain(`error NOT_RECORDED (regctl, olareg, containerd)`);
  expect(stdout).toContain(`  fix: ocilot convert ${dir} --to universal\n`);
  expect(stdout).toMatch(/Not healthy for oras, notation, regctl, olareg, containerd: 3 referrers, 2 traps\.\n$/);
  expect(treeOf(dir)).toEqual(before);
});

test("is judged for the tools that are named, and warns for the others", async () => {
  const dir = copyOf("layouts/oras");
  expect((await run("doctor", dir, "--for", "oras,notation")).code).toBe(0);
  expect((await run("doctor", dir, "--for", "oras", "--for", "regctl")).code).toBe(7);
  const { code, stderr } = await run("doctor", dir, "--for", "orsa");
  expect([code, stderr]).toEqual([2, expect.stringContaining("Did you mean oras?")]);
});

test("reads an archive, and prints JSON that fits the schema", async () => {
  for (const name of ["layouts/oras-backup.tar", "layouts/containerd-export.tar", "layouts/olareg"]) {
    const { code, stdout } = await run("doctor", `${FIXTURES}${name}`, "--json");
    expect(code).toBe(7);
    expect(schemaErrors("doctor", stdout), name).toBeUndefined();
  }
});

test("says so where index.json cannot be read", async () => {
  const b = new LayoutBuilder();
  const { code, stdout } = await run("doctor", b.write("{"));
  expect(code).toBe(7);
  expect(stdout).toContain(`fix: cp OTHER/index.json ${b.dir}/index.json`);
  expect((await run("doctor", `${tempDir()}/none`)).code).toBe(3);
});

/** Runs every command of a diagnosis that needs nothing but itself. */
async function repairTrap(dir: string, skip: readonly string[] = []): Promise<string[]> {
  const done: string[] = [];
  for (const { code, fix } of (await diagnose(dir)).traps) {
    const [program, ...argv] = fix.split(" ");
    if (program !== "ocilot" || /\b(NEW|NAME|OTHER|SOURCE)\b/.test(fix) || skip.includes(code)) continue;
    expect((await listCommands()).map((c) => c.name)).toContain(argv[0]);
    const outcome = await run(...argv);
    expect([0, 8], `${fix}: ${outcome.stderr}`).toContain(outcome.code);
    done.push(code);
  }
  return done;
}

test.each([
  ["layouts/oras", ["NOT_RECORDED"]],
  ["layouts/cosign-tags", ["NO_SUBJECT"]],
  ["layouts/cosign-save", ["NO_SUBJECT", "NO_TAGS", "SKOPEO_REPLACES"]],
  ["layouts/cosign-save-bundle", ["REFERRER_UNLISTED", "NOT_RECORDED", "NO_TAGS"]],
  ["layouts/buildkit-attestation", ["NO_SUBJECT"]],
  ["edge/inexact-fallback-list", ["LIST_INEXACT"]],
  ["edge/legacy-artifact-manifests", ["NOT_RECORDED", "LEGACY_TYPE"]],
  ["edge/annotation-only-link", ["NO_SUBJECT"]],
])("the commands for %s fix what they are for: %j", async (name, codes) => {
  const dir = copyOf(name);
  expect(await repairTrap(dir, ["UNTAGGED_ENTRIES", "DOCKER_TYPES"])).toEqual(expect.arrayContaining(codes));
  await repairTrap(dir, ["UNTAGGED_ENTRIES", "DOCKER_TYPES"]);
  const after = await diagnose(dir);
  for (const code of codes) expect(after.traps.map((t) => t.code)).not.toContain(code);
  expect(after.healthy).toBe(true);
});

test("a referrer of a wrong subject is not deleted by the advice: it is attached again first", async () => {
  const dir = copyOf("edge/wrong-subject-size");
  const trap = (await diagnose(dir)).traps.find((t) => t.code === "SUBJECT_MISMATCH")!;
  expect(trap.fix).toMatch(/ocilot attach \S+ --manifest MANIFEST.json && ocilot detach \S+$/);
  expect((await run("attach", `${dir}:v1`, "--artifact-type", "application/vnd.example.sbom")).code).toBe(0);
  expect((await run("detach", `${dir}@${trap.places[0]!.digest}`)).code).toBe(0);
  await repairTrap(dir, ["UNTAGGED_ENTRIES"]);
  expect((await diagnose(dir)).healthy).toBe(true);
});

describe("the command for docker load where a list has lines that no manifest confirms", () => {
  const lined = (lines: (b: Builder, image: Descriptor) => Descriptor[], tag?: string) => async (): Promise<string> => {
    const b = new Builder();
    const image = b.image();
    const list = b.list(lines(b, image), { exact: false });
    b.entry(image, tag === undefined ? {} : { tag }).entry(list, { tag: referrersTag(image.digest) });
    const dir = join(tempDir(), "layout");
    await b.directory(dir);
    return dir;
  };
  const foreign = (b: Builder, image: Descriptor): Descriptor[] => [b.referrer(image), b.referrer(b.image())];
  const absent = (b: Builder, image: Descriptor): Descriptor[] => {
    const gone = b.referrer(image);
    return [b.referrer(image), { ...gone, digest: digestOf(new Uint8Array()) }];
  };
  test.each([
    ["no subject", async () => copyOf("edge/subject-listed-as-its-own-referrer"), "ocilot copy DIR:v1 NEW --convention containerd"],
    ["another subject", lined(foreign, "v1"), "ocilot copy DIR:v1 NEW --convention containerd"],
    ["a missing manifest", lined(absent, "v1"), "ocilot copy DIR:v1 NEW --convention containerd --allow-missing"],
    ["another subject, without a tag", lined(foreign), /^ocilot tag DIR@\S+ latest && ocilot copy DIR:latest NEW --convention containerd$/],
  ])("%s", async (_, make, expected) => {
    const dir = await make();
    const { fix } = (await diagnose(dir)).traps.find((t) => t.code === "UNTAGGED_ENTRIES")!;
    const said = fix.replaceAll(dir, "DIR");
    if (typeof expected === "string") expect(said).toBe(expected);
    else expect(said).toMatch(expected);
    const target = join(tempDir(), "new");
    for (const command of fix.split(" && "))
      expect((await run(...command.replace("NEW", target).split(" ").slice(1))).code).toBe(command.endsWith("--allow-missing") ? 8 : 0);
    const { tools, traps } = await diagnose(target);
    expect(traps.map((t) => t.code)).not.toContain("UNTAGGED_ENTRIES");
    expect(tools.find((t) => t.id === "containerd")).toMatchObject({ healthy: true });
  });
});

test("the commands for docker load leave nothing that it would make an image of", async () => {
  const importable = async (dir: string): Promise<boolean> => (await diagnose(dir)).traps.every((t) => t.code !== "UNTAGGED_ENTRIES");
  const pure = copyOf("layouts/olareg");
  await repairTrap(pure, ["NOT_RECORDED"]);
  expect(await importable(pure)).toBe(true);

  const mixed = copyOf("layouts/oras");
  const fix = (await diagnose(mixed)).traps.find((t) => t.code === "UNTAGGED_ENTRIES")!.fix;
  const copy = `${tempDir()}/copy`;
  expect(fix).toBe(`ocilot copy ${mixed}:v1 NEW --convention containerd`);
  expect((await run(...fix.replace("NEW", copy).split(" ").slice(1))).code).toBe(0);
  expect(await importable(copy)).toBe(true);
  expect((await run("doctor", copy, "--for", "containerd")).code).toBe(0);
});
