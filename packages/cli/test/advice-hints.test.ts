import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, IMAGE_CONFIG, Layout, blobPath, hasZstd } from "@ocilot/layout";
import { FIXTURES, LayoutBuilder, tempDir } from "@ocilot/testkit";
import { beforeEach, describe, expect, test } from "vitest";
import { type Outcome, run } from "./helpers.js";

/** The command of a hint, with what only a person knows filled in, quotes taken away. */
function hinted({ stderr }: Pick<Outcome, "stderr">, values: Readonly<Record<string, string>> = {}): string[] {
  const command = /hint: .*?\bocilot ([a-z]+ .+?)(?:[;,]? or .*|; .*)?$/m.exec(stderr)?.[1];
  if (command === undefined) throw new Error(`no command in: ${stderr}`);
  return command
    .split(" ")
    .map((word) =>
      word.replaceAll("'", "").replaceAll(/\b(?:LAYOUT|NEW-DIRECTORY|DIR|OTHER|TAG|TARGET)\b/g, (name) => values[name] ?? name),
    );
}

function signed(): { b: LayoutBuilder; image: Descriptor; referrer: Descriptor } {
  const b = new LayoutBuilder();
  const image = b.image();
  const referrer = b.referrer(image);
  b.entry(image, { tag: "v1" }).listed(referrer);
  return { b, image, referrer };
}

async function written(b: LayoutBuilder): Promise<string> {
  const dir = join(tempDir(), "layout");
  await b.directory(dir);
  return dir;
}

const newPath = (name = "new"): string => join(tempDir(), name);
const tagsOf = async (dir: string): Promise<(string | undefined)[]> =>
  (await (await Layout.open(dir, { sync: false })).index.read()).entries.map((e) => e.tag).filter((tag) => tag !== undefined);

describe("an image that is not there", () => {
  test("ocilot ls shows what is", async () => {
    const dir = await written(signed().b);
    const refused = await run("cat", `${dir}@sha256:${"0".repeat(64)}`);
    expect(refused.code).toBe(3);
    const { code, stdout } = await run(...hinted(refused, { LAYOUT: dir }));
    expect([code, stdout.includes("v1")]).toEqual([0, true]);
  });

  test("of a path that does not exist, the name that is nearest, or where to look", async () => {
    const parent = tempDir();
    mkdirSync(join(parent, "images"));
    for (const args of [["ls"], ["verify"], ["gc"], ["copy", "--all"]]) {
      const { code, stderr } = await run(...args, join(parent, "imagse"), ...(args[0] === "copy" ? [newPath()] : []));
      expect([code, /hint: (.*)/.exec(stderr)?.[1]]).toEqual([3, `Did you mean ${join(parent, "images")}?`]);
    }
    const { stderr } = await run("ls", join(parent, "a/b/c.tar"));
    expect(/hint: (.*)/.exec(stderr)?.[1]).toBe(`List what is there with: ls ${parent}`);
    const { stderr: json } = await run("ls", "--json", join(parent, "imagse"));
    expect(JSON.parse(json)).toMatchObject({ error: { code: "PATH_NOT_FOUND", hint: `Did you mean ${join(parent, "images")}?` } });
    expect((await run("ls", join(parent, "no\u001bsuch"))).stderr).not.toContain("\u001b");
  });
});

describe("archives", () => {
  let archive: string;
  beforeEach(async () => {
    archive = join(await written(signed().b), "..", "layout.tar");
    expect((await run("copy", "--all", archive.replace(/\.tar$/, ""), archive)).code).toBe(0);
  });

  test.each([
    ["tag", ["{}:v1", "v2"]],
    ["gc", ["{}"]],
    ["untag", ["{}:v1"]],
    ["detach", ["{}@sha256:" + "0".repeat(64)]],
    ["repair", ["{}"]],
  ])("%s: a copy in a directory can be written to", async (command, args) => {
    const refused = await run(command, ...args.map((word) => word.replace("{}", archive)));
    const target = newPath();
    const values = { DIR: target, "NEW-DIRECTORY": target };
    expect(refused.code).toBe(6);
    expect((await run(...hinted(refused, values))).code).toBe(0);
    expect((await run("tag", `${target}:v1`, "v2")).code).toBe(0);
    expect(await tagsOf(target)).toEqual(["v1", "v2"]);
  });

  test("convert: --output writes the result to a new layout, as the hint says", async () => {
    const refused = await run("convert", archive, "--to", "universal");
    expect([refused.code, refused.stderr.includes("--output")]).toEqual([6, true]);
    const target = newPath();
    expect((await run("convert", archive, "--to", "universal", "--output", target)).code).toBe(0);
    expect((await run("verify", target)).code).toBe(0);
  });

  test("a docker archive becomes a layout", async () => {
    const b = new LayoutBuilder();
    const layer = b.blob("layer", "application/vnd.oci.image.layer.v1.tar");
    const document = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [layer.digest] } };
    const config = b.blob(JSON.stringify(document), IMAGE_CONFIG);
    const dir = await written(b.entry(b.image({ members: { config, layers: [layer] } }), { tag: "v1" }));
    const docker = newPath("docker.tar");
    expect((await run("copy", "--docker", `${dir}:v1`, docker)).code).toBe(0);
    execFileSync("tar", ["--delete", "-f", docker, "index.json", "oci-layout"]);
    const warned = await run("ls", docker);
    const target = newPath();
    expect((await run(...hinted(warned, { "NEW-DIRECTORY": target }))).code).toBe(0);
    expect((await run("verify", target)).code).toBe(0);
  });

  test.each([
    ["xz", "xz"],
    ["zstd", "zst"],
  ])("of %s are decompressed by the command of the hint", async (program, suffix) => {
    if (spawnSync(program, ["--version"]).status !== 0) return void process.stderr.write(`${program} is not installed: not tried here\n`);
    const plain = newPath("layout.tar");
    const packed = `${plain}.${suffix}`;
    copyFileSync(archive, plain);
    execFileSync(program, ["-q", "-z", plain]);
    rmSync(plain, { force: true });
    const refused = await run("ls", packed);
    if (program === "zstd" && hasZstd()) return void expect(refused.code).toBe(0);
    const command = /first: ((?:xz|zstd) -d .*)$/m.exec(refused.stderr)?.[1];
    expect([refused.code, command]).toEqual([1, `${program} -d ${packed}`]);
    execFileSync("sh", ["-c", `${command} 2>&1`], { stdio: "ignore" });
    expect((await run("ls", plain)).code).toBe(0);
  });

  test("with a sparse file are made again by the command of the hint", async () => {
    const dir = await written(signed().b);
    const sparse = newPath("sparse.tar");
    writeFileSync(join(dir, "hole"), "");
    truncateSync(join(dir, "hole"), 1 << 20);
    execFileSync("tar", ["--sparse", "-cf", sparse, "-C", dir, "."]);
    const refused = await run("ls", sparse);
    const command = /with: (tar .*)$/m.exec(refused.stderr)?.[1];
    expect([refused.code, command]).toEqual([4, "tar --format=pax -cf NEW.tar -C DIRECTORY ."]);
    const unpacked = newPath();
    mkdirSync(unpacked);
    execFileSync("tar", ["-xf", sparse, "-C", unpacked]);
    const made = newPath("made.tar");
    execFileSync("sh", ["-c", command!.replace("NEW.tar", made).replace("DIRECTORY", unpacked)]);
    expect((await run("ls", made)).code).toBe(0);
  });
});

describe("content that is damaged or missing", () => {
  test.each(["missing", "corrupt", "cut"])("%s: repair takes it from another copy", async (what) => {
    const { b, referrer } = signed();
    const other = await written(b);
    const dir = await written(b);
    const { layers } = JSON.parse(readFileSync(join(dir, blobPath(referrer.digest)), "utf8")) as { layers: Descriptor[] };
    const file = join(dir, blobPath(layers[0]!.digest));
    const bytes = readFileSync(file);
    if (what === "missing") rmSync(file);
    else writeFileSync(file, what === "cut" ? bytes.subarray(1) : bytes.fill(1, 0, 1));
    for (const args of [
      ["copy", `${dir}:v1`],
      ["extract", `${dir}@${referrer.digest}`, "--output"],
    ]) {
      const refused = await run(...args, newPath());
      expect([3, 4]).toContain(refused.code);
      expect(hinted(refused, { LAYOUT: dir, OTHER: other })).toEqual(["repair", dir, "--from", other]);
    }
    expect((await run("repair", dir, "--from", other)).code).toBe(0);
    expect((await run("verify", dir)).code).toBe(0);
  });
});

describe("index.json that programs read differently", () => {
  test.each([
    ["a member twice", (text: string) => text.replace("{", '{"schemaVersion":2,')],
    ["bytes behind it", (text: string) => `${text}{}`],
    ["a member in capitals", (text: string) => text.replace("{", '{"Annotations":{},')],
  ])("%s: what is refused works in a copy", async (_, change) => {
    const dir = await written(signed().b);
    const file = join(dir, "index.json");
    writeFileSync(file, change(readFileSync(file, "utf8")));
    for (const args of [
      ["tag", `${dir}:v1`, "v2"],
      ["gc", dir],
    ]) {
      const refused = await run(...args);
      expect(refused.code).toBe(6);
      const target = newPath();
      expect((await run(...hinted(refused, { LAYOUT: dir, "NEW-DIRECTORY": target }))).code).toBe(0);
      expect((await run(...args.map((word) => word.replace(dir, target)))).code).toBe(0);
      expect((await run("verify", "--strict", target)).code).toBe(0);
    }
  });
});

describe("a manifest that programs read differently", () => {
  /** A layout of a sound image and one whose manifest has a member in other letters. */
  async function withOdd(member: string): Promise<{ dir: string; odd: Descriptor }> {
    const { b, referrer } = signed();
    const manifest = JSON.parse(new TextDecoder().decode(b.blobs.get(referrer.digest))) as Record<string, Record<string, unknown>>;
    if (member === "Digest") manifest["subject"] = { ...manifest["subject"], Digest: manifest["subject"]!["digest"], digest: undefined };
    else manifest[member] = manifest["layers"]!;
    const odd = b.document(manifest, referrer.mediaType);
    b.entry(odd, { tag: "odd" });
    return { dir: await written(b), odd };
  }

  test.each(["Digest", "Layers"])("%s: copy and gc name it; each other image is copied by itself", async (member) => {
    const { dir, odd } = await withOdd(member);
    const { stderr, code } = await run("gc", dir);
    expect([code, stderr.includes(odd.digest), stderr.includes("ocilot verify LAYOUT")]).toEqual([4, true, true]);
    for (const args of [[`${dir}:odd`], ["--all", dir]]) {
      const refused = await run("copy", ...args, newPath());
      expect([refused.code, refused.stderr.includes(odd.digest)]).toEqual([4, true]);
      const target = newPath();
      expect((await run(...hinted(refused, { LAYOUT: dir, TAG: "v1", TARGET: target }))).code).toBe(0);
      expect((await run("verify", target)).code).toBe(0);
    }
  });

  test.each(["Digest", "Layers"])("%s: doctor advises a layout without it, which oras opens", async (member) => {
    const { dir } = await withOdd(member);
    const codes = async (at: string): Promise<{ code: string; fix: string }[]> =>
      (JSON.parse((await run("doctor", "--json", at)).stdout) as { traps: { code: string; fix: string }[] }).traps;
    const trap = (await codes(dir)).find((t) => t.code === "MANIFEST_UNREADABLE")!;
    expect(trap.fix).toBe(`ocilot copy ${dir}:v1 NEW`);
    const target = newPath();
    expect((await run(...trap.fix.replace("NEW", target).split(" ").slice(1))).code).toBe(0);
    expect((await codes(target)).map((t) => t.code)).not.toContain("MANIFEST_UNREADABLE");
  });

  test("damage is repaired from another copy; without a sound image the author is asked", async () => {
    const { b, image } = signed();
    const other = await written(b);
    const dir = await written(b);
    writeFileSync(join(dir, blobPath(image.digest)), readFileSync(join(dir, blobPath(image.digest))).fill(32, 0, 1));
    const fixesOf = async (at: string): Promise<string[]> =>
      (JSON.parse((await run("doctor", "--json", at)).stdout) as { traps: { code: string; fix: string }[] }).traps
        .filter((t) => t.code === "MANIFEST_UNREADABLE")
        .map((t) => t.fix);
    expect(await fixesOf(dir)).toEqual([`ocilot repair ${dir} --from OTHER`]);
    expect((await run("repair", dir, "--from", other)).code).toBe(0);
    expect(await fixesOf(dir)).toEqual([]);
    const alone = new LayoutBuilder();
    alone.entry(alone.document({ schemaVersion: 2, Layers: [] }, image.mediaType), { tag: "v1" });
    expect((await fixesOf(await written(alone)))[0]).toContain("report it to the author");
    const wrong = signed();
    const bad = wrong.b.image();
    wrong.b.entries.push({ mediaType: bad.mediaType, digest: bad.digest, size: bad.size + 1 });
    const sized = await written(wrong.b);
    expect(await fixesOf(sized)).toEqual([`ocilot repair ${sized}`]);
    expect((await run("repair", sized)).code).toBe(0);
    expect(await fixesOf(sized)).toEqual([]);
    const within = signed();
    within.b.entry(within.b.imageIndex([{ ...within.b.image(), size: 7 }]), { tag: "v2" });
    const signedWrong = await written(within.b);
    expect(await fixesOf(signedWrong)).toEqual([`ocilot copy ${signedWrong}:v1 NEW`]);
  });
});

describe("a referrer whose manifest is wrong", () => {
  const shell = async (command: string, cwd: string): Promise<void> => {
    for (const part of command.split(" && ")) {
      const [program, ...words] = part.split(" ");
      const globbed = words.flatMap((word) =>
        word.endsWith("/*") ? readdirSync(word.slice(0, -2)).map((name) => join(word.slice(0, -2), name)) : word,
      );
      if (program === "tar") execFileSync("tar", globbed, { cwd });
      else expect([part, (await run(...globbed)).code]).toEqual([part, 0]);
    }
  };
  const fill = (fix: string, values: Record<string, string>): string =>
    fix.replaceAll(/\b(?:DIR|FILES\.tar|TYPE|REFERRER)\b/g, (name) => values[name] ?? name);
  const trapOf = async (dir: string, code: string): Promise<{ fix: string } | undefined> =>
    (JSON.parse((await run("doctor", "--json", dir)).stdout) as { traps: { code: string; fix: string }[] }).traps.find(
      (t) => t.code === code,
    );

  test.each([
    ["SUBJECT_MISMATCH", (b: LayoutBuilder, image: Descriptor) => b.referrer({ ...image, size: image.size + 1 })],
    ["MANIFEST_LARGE", (b: LayoutBuilder, image: Descriptor) => b.referrer(image, { annotations: { note: "x".repeat(4 << 20) } })],
  ])("%s: its files are attached again by the commands of the fix", async (code, make) => {
    const b = new LayoutBuilder();
    const image = b.image();
    const wrong = make(b, image);
    b.entry(image, { tag: "v1" }).listed(wrong);
    const dir = await written(b);
    const trap = await trapOf(dir, code);
    const command = trap!.fix.slice(trap!.fix.indexOf("ocilot "));
    expect(command).toContain(`${dir}@${wrong.digest}`);
    const cwd = tempDir();
    await shell(
      fill(command, {
        DIR: join(cwd, "files"),
        "FILES.tar": join(cwd, "files.tar"),
        TYPE: "application/vnd.example.sbom",
      }),
      cwd,
    );
    const { entries } = await (await Layout.open(dir, { sync: false })).index.read();
    const added = entries.findLast((e) => e.descriptor.artifactType === "application/vnd.example.sbom")!.descriptor;
    expect([added.digest === wrong.digest, added.size < 4 << 20]).toEqual([false, true]);
    const manifest = JSON.parse(readFileSync(join(dir, blobPath(added.digest)), "utf8")) as { subject: Descriptor };
    expect(manifest.subject).toMatchObject({ digest: image.digest, size: image.size });
    // The new one has taken the place of the wrong one.
    expect(existsSync(join(dir, blobPath(wrong.digest)))).toBe(false);
    expect(await trapOf(dir, code)).toBeUndefined();
    expect((await run("verify", dir)).code).toBe(0);
  });

  test("SUBJECT_MISMATCH: doctor, verify and repair name both digests, and each wrong referrer has commands of its own", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const wrong = [1, 2].map((size) => b.referrer({ ...image, size }));
    b.entry(image, { tag: "v1" });
    for (const d of wrong) b.listed(d);
    const dir = await written(b);
    const fixes = wrong.map(({ digest }) => {
      const again = `ocilot attach ${dir}@${image.digest} DIR/* --artifact-type TYPE && ocilot detach ${dir}@${digest}`;
      return `attach its files again: ocilot extract ${dir}@${digest} --output DIR && ${again}`;
    });
    const fixesOf = async (command: string, key: "traps" | "findings" | "left"): Promise<string[]> => {
      const printed = JSON.parse((await run(command, "--json", dir)).stdout) as Record<string, { code: string; fix: string }[]>;
      return printed[key]!.flatMap((f) => (f.code === "SUBJECT_MISMATCH" ? f.fix : [])).toSorted();
    };
    expect(await fixesOf("doctor", "traps")).toEqual(fixes.toSorted());
    expect(await fixesOf("verify", "findings")).toEqual(fixes.toSorted());
    expect(await fixesOf("repair", "left")).toEqual(fixes.toSorted());
  });

  test("SUBJECT_MISMATCH: one without files is attached again by its manifest", async () => {
    const dir = join(tempDir(), "layout");
    cpSync(join(FIXTURES, "edge/wrong-subject-size"), dir, { recursive: true });
    const { fix } = (await trapOf(dir, "SUBJECT_MISMATCH"))!;
    const [cat, , attach] = fix.slice(fix.indexOf("ocilot ")).split(", ") as [string, string, string];
    const [command, file] = cat.split(" > ");
    const { stdout } = await run(...command!.split(" ").slice(1));
    const path = join(tempDir(), file!);
    writeFileSync(path, stdout.replace('"size": 1}', '"size": 542}'));
    await shell(attach.replace(file!, path), tempDir());
    expect(await trapOf(dir, "SUBJECT_MISMATCH")).toBeUndefined();
    expect((await run("verify", "--strict", dir)).code).toBe(0);
  });
});

describe("places that cannot be written to", () => {
  test("below a directory that takes no new one, every command ends and says so", async () => {
    if (!existsSync("/proc/self")) return void process.stderr.write("/proc: there is none here\n");
    const { b, referrer } = signed();
    const dir = await written(b);
    for (const args of [
      ["copy", "--all", dir, "/proc/x/y"],
      ["copy", `${dir}:v1`, "/proc/x/y"],
      ["init", "/proc/x/y"],
      ["extract", `${dir}@${referrer.digest}`, "--output", "/proc/x/y"],
      ["convert", dir, "--to", "oras", "--output", "/proc/x/y"],
    ]) {
      const { code, stderr } = await run(...args);
      expect([args[0], code, stderr]).toEqual([args[0], 1, expect.stringContaining("no directory can be made in /proc")]);
    }
  });

  const canMount = process.platform === "linux" && spawnSync("unshare", ["-m", "true"]).status === 0;
  if (!canMount) process.stderr.write("a read-only file system: not tried here, because this process may not mount\n");
  test.runIf(canMount)("on read-only media, a copy can be written to", async () => {
    const dir = await written(signed().b);
    const target = newPath();
    const ocilot = `${process.execPath} ${join(FIXTURES, "../packages/cli/dist/ocilot.js")}`;
    const script = `mount --bind ${dir} ${dir} && mount -o remount,ro,bind ${dir} && ${ocilot} tag ${dir}:v1 v2; echo $?; ${ocilot} copy --all ${dir} ${target}; echo $?`;
    const { stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", script], { encoding: "utf8" });
    expect(stderr).toContain("the file system is read-only");
    expect(hinted({ stderr }, { LAYOUT: dir, "NEW-DIRECTORY": target })).toEqual(["copy", "--all", dir, target]);
    expect(stdout.split("\n").filter((line) => /^\d+$/.test(line))).toEqual(["1", "0"]);
    expect((await run("tag", `${target}:v1`, "v2")).code).toBe(0);
  });
});
