import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Layout } from "@ocilot/layout";
import { attach } from "@ocilot/referrers";
import { type RegistryServer, createServer } from "@ocilot/server";
import { LayoutBuilder } from "@ocilot/testkit";
import { parseImageList } from "../src/bundle/image-list.js";
import { sourceOf } from "../src/bundle/source-spec.js";
import { parseVersionRange } from "../src/bundle/version-range.js";
import { partSizeOf } from "../src/options/part-size.js";
import { FIXTURES, copyOf, run, runIn, tempDir } from "./helpers.js";

async function registry(): Promise<RegistryServer> {
  const server = await createServer();
  onTestFinished(async () => await server.close());
  return server;
}

/** A layout of two signed images of which the second shares a layer with the first. */
async function source(dir: string, ...extra: string[]): Promise<string> {
  const path = join(dir, `source-${extra.join("-")}`);
  const b = new LayoutBuilder();
  for (const tag of ["v1", "v2", ...extra]) {
    const image = b.image({ annotations: { "org.example.tag": tag } });
    b.entry(image, { tag }).listed(b.referrer(image));
  }
  await b.directory(path);
  return path;
}

describe("bundle and unbundle", () => {
  test("a layout goes through parts into a directory, and its receipt comes back", async () => {
    const dir = tempDir();
    const from = await source(dir);
    const file = join(dir, "b.tar");
    const made = await run("bundle", from, "--output", file, "--split", "20k", "--receipt", join(dir, "b.json"));
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const parts = readdirSync(dir).filter((n) => n.endsWith(".tar"));
    expect(existsSync(join(dir, "b.sha256"))).toBe(true);
    for (const part of parts) expect(statSync(join(dir, part)).size).toBeLessThanOrEqual(20_000);
    const into = join(dir, "far");
    const done = await run("unbundle", ...parts.map((p) => join(dir, p)), "--into", into, "--receipt", join(dir, "far.json"));
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect(done.stdout).toContain("v1, v2: complete");
    expect(await run("verify", into, "--against", join(dir, "b.json"))).toMatchObject({ code: 0 });
    expect(await run("receipt", "diff", join(dir, "b.json"), join(dir, "far.json"))).toMatchObject({
      code: 0,
      stdout: "The receipts list the same content.\n",
    });
    const next = await run("bundle", from, "--output", join(dir, "next.tar"), "--since", join(dir, "far.json"), "--json");
    expect(JSON.parse(next.stdout)).toMatchObject({ absent: { length: 7 } });
    expect((await run("verify", join(dir, "next.tar"))).code).toBe(0);
  });

  test("the same call gives the same bytes, and refuses to replace a file", async () => {
    const dir = tempDir();
    const from = await source(dir);
    for (const name of ["a.tar", "b.tar"]) expect((await run("bundle", from, "-o", join(dir, name))).code).toBe(0);
    expect(readFileSync(join(dir, "a.tar")).length).toBe(readFileSync(join(dir, "b.tar")).length);
    expect((await run("bundle", from, "-o", join(dir, "a.tar"))).code).toBe(6);
    const before = readFileSync(join(dir, "a.tar"));
    expect((await run("bundle", from, "-o", join(dir, "a.tar"), "--force")).code).toBe(0);
    expect(readFileSync(join(dir, "a.tar")).equals(before)).toBe(true);
    expect(before.includes("ocilot-bundle.json")).toBe(true);
    const piped = await run("bundle", from, "-o", "-");
    expect(piped.bytes.length).toBe(before.length);
  });

  test("repositories of a registry keep their names, and land below the prefix of another, with referrers and tags", async () => {
    const [here, there] = [await registry(), await registry()];
    const dir = tempDir();
    const from = await source(dir);
    for (const name of ["team/app", "team/web"])
      expect((await run("copy", "--all", from, `docker://${here.address}/${name}`)).code).toBe(0);
    const file = join(dir, "b.tar");
    const made = await run(
      "bundle",
      `docker://${here.address}/team/app:v*`,
      `docker://${here.address}/team/web:v1`,
      "-o",
      file,
      "--split",
      "24k",
    );
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const env = { XDG_STATE_HOME: join(dir, "state") };
    const parts = readdirSync(dir)
      .filter((n) => n.endsWith(".tar"))
      .map((n) => join(dir, n));
    expect(parts.length).toBeGreaterThan(1);
    const first = await runIn({ env }, "unbundle", parts[0]!, "--into", `docker://${there.address}/mirror`);
    expect(first).toMatchObject({ code: 8, stdout: expect.stringContaining("--only-part 2") as string });
    const rest = await runIn(
      { env },
      "unbundle",
      ...parts.slice(1),
      "--into",
      `docker://${there.address}/mirror`,
      "--receipt",
      join(dir, "far.json"),
    );
    expect(rest).toMatchObject({ code: 0, stderr: "" });
    for (const [repository, tags] of [
      ["mirror/team/app", ["v1", "v2"]],
      ["mirror/team/web", ["v1"]],
    ] as const) {
      const layout = (await there.layout(repository))!;
      const tagged = (await layout.index.read()).entries.filter((e) => e.tag?.startsWith("v") === true);
      expect(tagged.map((e) => e.tag!).toSorted()).toEqual(tags);
      for (const { descriptor } of tagged) {
        const answer = await fetch(`${there.url}/v2/${repository}/referrers/${descriptor.digest}`);
        expect(((await answer.json()) as { manifests: unknown[] }).manifests).toHaveLength(1);
      }
    }
    const receipt = JSON.parse(readFileSync(join(dir, "far.json"), "utf8")) as { roots: { tag?: string }[] };
    expect(receipt.roots.map((r) => r.tag)).toEqual([
      `${here.address}/team/app:v1`,
      `${here.address}/team/app:v2`,
      `${here.address}/team/web:v1`,
    ]);
    const delta = await run(
      "bundle",
      `docker://${here.address}/team/app`,
      "-o",
      join(dir, "d.tar"),
      "--since",
      join(dir, "far.json"),
      "--json",
    );
    expect(JSON.parse(delta.stdout)).toMatchObject({ absent: { length: 7 } });
    expect((await runIn({ env }, "unbundle", join(dir, "d.tar"), "--into", `docker://${there.address}/mirror`)).code).toBe(0);
    const mapped = await runIn({ env }, "unbundle", ...parts, "--into", `docker://${there.address}`, "--map", `${here.address}/team=prod`);
    expect(mapped).toMatchObject({ code: 0, stderr: "" });
    expect(mapped.stdout).toContain(`complete in docker://${there.address}/prod/app, docker://${there.address}/prod/web.\n`);
    const typo = ["--map", `${here.address}/taem=prod`, "--map", `${here.address}/team/app=prod/app`];
    const unmapped = await runIn({ env }, "unbundle", ...parts, "--into", `docker://${there.address}`, ...typo);
    expect(unmapped).toMatchObject({
      code: 0,
      stderr: `ocilot: warning: --map ${here.address}/taem=… fits no repository of the bundles: they have ${here.address}/team/app, ${here.address}/team/web\n`,
    });
    expect(unmapped.stdout).toContain(`docker://${there.address}/prod/app, docker://${there.address}/team/web.\n`);
    const local = await run("unbundle", ...parts, "--into", join(dir, "local"), "--map", "nowhere=x");
    expect([local.code, local.stderr]).toEqual([0, expect.stringContaining("--map nowhere=… fits no repository")]);
    expect(local.stdout).toContain(`complete in ${join(dir, "local")}.\n`);
    expect(await there.layout("prod/web")).toBeDefined();
  });

  test("--plan prints figures and writes nothing", async () => {
    const dir = tempDir();
    const from = await source(dir);
    const { stdout, code } = await run("bundle", from, "--plan", "--split", "20k");
    expect(code).toBe(0);
    expect(stdout).toMatch(/IMAGE +SIZE +SHARED +AT DESTINATION\nv1 .*\nv2 .*\n\n\d+ parts?, .* blobs left out/);
    expect(readdirSync(dir)).toEqual(["source-"]);
    expect((await run("bundle", from)).code).toBe(2);
  });

  test("the platforms of an image that oras lists beside it are no images of their own", async () => {
    const output = join(tempDir(), "oras.tar");
    const oras = join(FIXTURES, "layouts/oras");
    expect((await run("bundle", oras, "--output", output)).stdout).toMatch(/^Bundled 1 image in 1 part/);
    expect((await run("bundle", oras, "--plan")).stdout).toMatch(/^IMAGE .*\nv1 +[\d.]+ kB +0 B +0 B\n\n1 part/);
    const [platform] = (await run("resolve", `${oras}:v1`, "--platform", "linux/amd64")).stdout.trim().split("\n");
    expect((await run("bundle", `${oras}@${platform}`, "--plan")).stdout).toContain(platform);
  });

  test("--require refuses what lacks a referrer", async () => {
    const dir = tempDir();
    const from = await source(dir);
    expect((await run("bundle", from, "-o", join(dir, "b.tar"), "--require", "provenance")).code).toBe(4);
    expect(existsSync(join(dir, "b.tar"))).toBe(false);
    expect((await run("bundle", from, "-o", join(dir, "b.tar"), "--require", "application/vnd.example.sbom")).code).toBe(0);
  });

  test.skipIf(process.platform === "win32")("--sign-with and --verify-with run a program over the receipt's digest", async () => {
    const dir = tempDir();
    const from = await source(dir);
    const file = join(dir, "b.tar");
    const sign = 'tee "$OCILOT_SIGNATURE" >/dev/null';
    expect((await run("bundle", from, "-o", file, "--split", "20k", "--sign-with", sign, "--receipt", join(dir, "b.json"))).code).toBe(0);
    expect(readFileSync(join(dir, "b.sig"), "utf8")).toBe(
      (JSON.parse(readFileSync(join(dir, "b.json"), "utf8")) as { digest: string }).digest,
    );
    const parts = readdirSync(dir)
      .filter((n) => n.endsWith(".tar"))
      .map((n) => join(dir, n));
    const check = 'test "$(cat)" = "$(cat "$OCILOT_SIGNATURE")"';
    expect((await run("unbundle", ...parts, "--into", join(dir, "ok"), "--verify-with", check)).code).toBe(0);
    writeFileSync(join(dir, "b.sig"), "forged");
    expect((await run("unbundle", ...parts, "--into", join(dir, "not"), "--verify-with", check)).code).toBe(6);
    expect(existsSync(join(dir, "not"))).toBe(false);
  });

  test("--only-part writes a part of the set that is there, and of no other", async () => {
    const dir = tempDir();
    const from = await source(dir, "v3");
    const other = await source(dir, "v4");
    const [out, sums] = [join(dir, "out"), join(dir, "out", "b.sha256")];
    mkdirSync(out);
    const bundle = async (what: string, split: string, created: string, ...argv: string[]) =>
      await run("bundle", what, "-o", join(out, "b.tar"), "--split", split, "--created", created, ...argv);
    const [first, later] = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];
    expect((await bundle(from, "25k", first)).code).toBe(0);
    const names = readdirSync(out).filter((n) => n.endsWith(".tar"));
    expect(names.length).toBeGreaterThan(1);
    const lost = join(out, names[1]!);
    const bytes = readFileSync(lost);
    rmSync(lost);
    const refusals = [
      [from, "25k", later, "the date"],
      [from, "50k", first, "the number of parts"],
      [other, "25k", first, "the content"],
    ] as const;
    for (const [what, split, created, difference] of refusals) {
      const refused = await bundle(what, split, created, "--only-part", "2", "--force");
      expect([refused.code, refused.stdout, refused.stderr]).toEqual([6, "", expect.stringContaining(difference)]);
      expect(refused.stderr).toContain(join(out, names[0]!));
      expect(refused.stderr).toContain("hint: Give the sources, --since, --split and --created");
    }
    // Without the other parts the checksums tell.
    for (const name of names) rmSync(join(out, name), { force: true });
    for (const [what, split, created] of refusals) {
      const refused = await bundle(what, split, created, "--only-part", "2");
      expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining(`${sums} is of another set`)]);
    }
    expect(readdirSync(out)).toEqual(["b.sha256"]);
    const again = await bundle(from, "25k", first, "--only-part", "2");
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toMatch(new RegExp(`^Wrote part 2 of ${names.length}, [\\d.]+ kB; receipt sha256:[0-9a-f]{64}[.]\n`));
    expect(again.stdout.endsWith(`\n${lost}\n`)).toBe(true);
    expect(readFileSync(lost).equals(bytes)).toBe(true);
  });

  test("hints name what bundle can do", async () => {
    const dir = tempDir();
    const from = await source(dir, "v3");
    const file = join(dir, "b.tar");
    expect((await run("bundle", from, "-o", file, "--split", "25k")).code).toBe(0);
    const part = join(
      dir,
      readdirSync(dir).find((name) => name.includes(".part-001-of-"))!,
    );
    const ofPart = await run("bundle", part, "-o", join(dir, "p.tar"));
    expect([ofPart.code, ofPart.stderr]).toEqual([3, expect.stringContaining(`hint: ${part} is a file of a bundle`)]);
    expect(ofPart.stderr).toContain("unbundle it first");
    const broken = copyOf("layouts/notation");
    for (const name of readdirSync(join(broken, "blobs/sha256")))
      if (statSync(join(broken, "blobs/sha256", name)).size < 100) rmSync(join(broken, "blobs/sha256", name));
    const ofBroken = await run("bundle", broken, "-o", join(dir, "p.tar"));
    expect([ofBroken.code, ofBroken.stderr]).toEqual([3, expect.stringContaining("ocilot repair LAYOUT --from OTHER")]);
    expect(ofPart.stderr + ofBroken.stderr).not.toMatch(/--platform|--allow-missing/);
    for (const output of ["s.tar", "t.tar.gz"]) {
      const small = await run("bundle", from, "-o", join(dir, output), "--split", "10k");
      const enough = Number(/hint: Choose --split (\d+) or larger/.exec(small.stderr)?.[1]);
      expect([small.code, enough > 10_000]).toEqual([4, true]);
      if (output === "s.tar") expect((await run("bundle", from, "-o", join(dir, output), "--split", String(enough - 1))).code).toBe(4);
      expect((await run("bundle", from, "-o", join(dir, output), "--split", String(enough))).code).toBe(0);
    }
  });

  test("paths that cannot be written or read are refused with what is wrong with them", async () => {
    const dir = tempDir();
    const from = await source(dir);
    const [file, nowhere] = [join(dir, "b.tar"), join(dir, "nowhere", "b.tar")];
    expect((await run("bundle", from, "-o", file)).code).toBe(0);
    const refused = async (argv: string[], code: number, message: string) => {
      const made = await run(...argv);
      expect([argv, made.code, made.stderr]).toEqual([argv, code, expect.stringContaining(message)]);
    };
    const missing = `the directory ${join(dir, "nowhere")} does not exist`;
    await refused(["bundle", from, "-o", nowhere], 3, missing);
    await refused(["bundle", from, "-o", nowhere, "--split", "25k"], 3, missing);
    await refused(["copy", "--all", from, nowhere], 3, missing);
    await refused(["unbundle", file, "--into", file], 3, `${file} is a file, not a layout directory`);
    await refused(["unbundle", from, "--into", join(dir, "far")], 2, `ocilot bundle ${from} --output FILE.tar`);
    for (const name of ["b.tar.xz", "b.zip", "b.gz"])
      await refused(["bundle", from, "-o", join(dir, name)], 2, "Archives end in .tar, .tar.gz, .tgz, .tar.zst, .tzst.");
    expect(readdirSync(dir).toSorted()).toEqual(["b.tar", "source-"]);
  });

  test.skipIf(process.platform === "win32")("an old signature is never taken for the new one, and a failed one is told truly", async () => {
    const dir = tempDir();
    const from = await source(dir);
    const [file, signature] = [join(dir, "b.tar"), join(dir, "b.sig")];
    const bundle = async (command: string, ...more: string[]) => await run("bundle", from, "-o", file, "--sign-with", command, ...more);
    writeFileSync(signature, "of last week");
    expect(await bundle("cat")).toMatchObject({ code: 6, stderr: expect.stringContaining(`${signature} already exists`) as string });
    expect([existsSync(file), readFileSync(signature, "utf8")]).toEqual([false, "of last week"]);
    const digest = (JSON.parse((await run("bundle", from, "--plan", "--json")).stdout) as { receipt: { digest: string } }).receipt.digest;
    for (const [command, why] of [
      ["true", "wrote no signature"],
      [': > "$OCILOT_SIGNATURE"', "wrote no signature"],
      ['echo half > "$OCILOT_SIGNATURE"; exit 7', "ended with 7"],
    ] as const) {
      const failed = await bundle(command, "--force");
      expect([command, failed.code, failed.stdout]).toEqual([command, 1, ""]);
      expect(failed.stderr).toContain(why);
      expect(failed.stderr).toContain(`hint: The bundle is written and whole. Sign ${digest} `);
      expect([existsSync(file), existsSync(signature)]).toEqual([true, false]);
      expect((await run("verify", file)).code).toBe(0);
    }
    writeFileSync(signature, "of last week");
    expect((await bundle("cat", "--force")).code).toBe(0);
    expect(readFileSync(signature, "utf8")).toBe(digest);
  });

  test("a damaged part is named, and exits 4", async () => {
    const dir = tempDir();
    const from = await source(dir);
    expect((await run("bundle", from, "-o", join(dir, "b.tar"))).code).toBe(0);
    const bytes = readFileSync(join(dir, "b.tar"));
    bytes[bytes.indexOf("layer 1")]! ^= 1;
    writeFileSync(join(dir, "b.tar"), bytes);
    const { code, stdout } = await run("unbundle", join(dir, "b.tar"), "--into", join(dir, "far"));
    expect(code).toBe(4);
    expect(stdout).toContain("b.tar is damaged");
    expect((await run("unbundle", join(FIXTURES, "archives-none.tar"), "--into", join(dir, "far"))).code).toBe(3);
  });
});

describe("receipt", () => {
  test("of anything; redacted it names nothing but digests", async () => {
    const dir = copyOf("layouts/oras");
    const whole = await run("receipt", dir);
    expect(whole.code).toBe(0);
    expect((JSON.parse(whole.stdout) as { roots: unknown[] }).roots).toContainEqual(expect.objectContaining({ tag: "v1" }));
    const redacted = await run("receipt", dir, "--redact");
    expect(redacted.stdout).not.toMatch(/"tag"|"kinds"/);
    writeFileSync(`${dir}.json`, redacted.stdout);
    expect((await run("verify", dir, "--against", `${dir}.json`, "--allow-added")).code).toBe(0);
  });

  test("verify --allow-added passes when something came, and not when something was lost", async () => {
    const dir = copyOf("layouts/oras");
    await run("receipt", dir, "--output", `${dir}.json`);
    const layout = await Layout.open(dir, { sync: false });
    await attach(layout, await layout.resolve("v1"), { artifactType: "application/vnd.example.note" });
    expect((await run("verify", dir, "--against", `${dir}.json`)).code).toBe(4);
    expect((await run("verify", dir, "--against", `${dir}.json`, "--allow-added")).code).toBe(0);
    await run("receipt", dir, "--output", `${dir}-2.json`);
    expect(await run("receipt", "diff", `${dir}.json`, `${dir}-2.json`)).toMatchObject({
      code: 7,
      stdout: expect.stringContaining("RECEIPT_ADDED") as string,
    });
    await layout.untag("v1");
    expect((await run("verify", dir, "--against", `${dir}.json`, "--allow-added")).code).toBe(4);
  });
});

describe("receipts of two registries, under two names", () => {
  async function twoRegistries(): Promise<{ here: string; there: string; dir: string; env: Record<string, string> }> {
    const [here, there, dir] = [await registry(), await registry(), tempDir()];
    return { here: here.address, there: there.address, dir, env: { XDG_STATE_HOME: join(dir, "state") } };
  }

  test("a repository agrees with the receipts of the bundle it came from and was brought to", async () => {
    const { here, there, dir, env } = await twoRegistries();
    const [app, one] = [`docker://${here}/team/app`, `docker://${there}/one`];
    const [made, far, plain] = ["app.json", "far.json", "plain.json"].map((n) => join(dir, n)) as [string, string, string];
    expect((await run("copy", "--all", join(FIXTURES, "layouts/oras"), app)).code).toBe(0);
    expect((await run("bundle", `${app}:v1`, "-o", join(dir, "app.tar"), "--receipt", made)).code).toBe(0);
    expect((await runIn({ env }, "unbundle", join(dir, "app.tar"), "--into", one, "--receipt", far)).code).toBe(0);
    for (const [of, receipt] of [
      [app, made],
      [`${one}/team/app`, made],
      [`${one}/team/app`, far],
    ] as const)
      expect(await run("verify", of, "--against", receipt, "--presence")).toMatchObject({
        code: 0,
        stdout: expect.not.stringContaining("RECEIPT") as string,
      });
    expect((await run("receipt", `${one}/team/app`, "--output", plain)).code).toBe(0);
    expect((await run("receipt", "diff", far, plain)).code).toBe(0);
    expect((await run("untag", `${one}/team/app:v1`)).code).toBe(0);
    expect(await run("verify", `${one}/team/app`, "--against", far, "--presence")).toMatchObject({
      code: 4,
      stdout: expect.stringContaining(`the tag ${here}/team/app:v1, in the receipt on`) as string,
    });
  });

  test("of several repositories one cannot be verified, and all of them can be compared", async () => {
    const { here, there, dir, env } = await twoRegistries();
    const from = await source(dir);
    const sources = ["team/app", "web"].map((n) => `docker://${here}/${n}`);
    for (const to of sources) expect((await run("copy", "--all", from, to)).code).toBe(0);
    const [far, now] = [join(dir, "far.json"), join(dir, "now.json")];
    expect((await run("bundle", ...sources, "-o", join(dir, "b.tar"))).code).toBe(0);
    expect((await runIn({ env }, "unbundle", join(dir, "b.tar"), "--into", `docker://${there}/one`, "--receipt", far)).code).toBe(0);
    const refused = await run("verify", `docker://${there}/one/web`, "--against", far, "--presence");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain(`lists the content of 2 repositories together, and verify reads one: ${here}/team/app, ${here}/web`);
    expect(refused.stderr).toContain("ocilot receipt diff");
    expect((await run("receipt", `docker://${there}/one/team/app`, `docker://${there}/one/web`, "--output", now)).code).toBe(0);
    expect((await run("receipt", "diff", far, now)).code).toBe(0);
    expect((await run("untag", `docker://${there}/one/web:v2`)).code).toBe(0);
    expect((await run("receipt", `docker://${there}/one/team/app`, `docker://${there}/one/web`, "--output", now)).code).toBe(0);
    expect(await run("receipt", "diff", far, now)).toMatchObject({ code: 7, stdout: expect.stringContaining(`${here}/web:v2`) as string });
  });

  test("a tag that was moved at the destination moves on when a receipt of the repository told of it", async () => {
    const { here, there, dir, env } = await twoRegistries();
    const [app, far] = [`docker://${here}/mv/w`, `docker://${there}/mv/w`];
    expect((await run("copy", "--all", await source(dir, "v3"), app)).code).toBe(0);
    const bring = async (name: string, ...more: string[]): Promise<number> => {
      expect((await run("bundle", app, "-o", join(dir, name), ...more)).code).toBe(0);
      return (await runIn({ env }, "unbundle", join(dir, name), "--into", `docker://${there}`)).code;
    };
    expect(await bring("a.tar")).toBe(0);
    expect((await run("tag", `${far}:v2`, "v1")).code).toBe(0);
    expect((await run("tag", `${app}:v3`, "v1")).code).toBe(0);
    expect(await bring("b.tar")).toBe(8);
    expect((await run("receipt", far, "--output", join(dir, "moved.json"))).code).toBe(0);
    expect(await bring("c.tar", "--since", join(dir, "moved.json"))).toBe(0);
  });
});

describe("a registry that is asked what it holds", () => {
  test("receipt and verify --presence download no layer, and find one that is gone", async () => {
    const asked: string[] = [];
    const dir = tempDir();
    const folder = join(dir, "registry");
    mkdirSync(folder);
    const server = await createServer(folder, {
      writable: true,
      log: ({ method, path }) => void asked.push(`${method} ${path.slice(path.lastIndexOf("/") + 1)}`),
    });
    onTestFinished(async () => await server.close());
    const b = new LayoutBuilder();
    const config = b.blob('{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json");
    const layer = b.blob(Buffer.alloc(300_000, 7), "application/vnd.oci.image.layer.v1.tar");
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const image = b.document({ schemaVersion: 2, mediaType, config, layers: [layer] }, mediaType);
    b.entry(image, { tag: "v1" }).listed(b.referrer(image));
    await b.directory(join(dir, "source"));
    const app = `docker://${server.address}/app`;
    expect((await run("copy", "--all", join(dir, "source"), app)).code).toBe(0);
    const receipt = join(dir, "far.json");
    asked.length = 0;
    expect((await run("receipt", app, "--output", receipt)).code).toBe(0);
    expect((JSON.parse(readFileSync(receipt, "utf8")) as { blobs: { digest: string }[] }).blobs.map((x) => x.digest)).toContain(
      layer.digest,
    );
    const made = await run("verify", app, "--against", receipt, "--presence");
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining("not hashed") as string });
    expect(asked).toContain(`HEAD ${layer.digest}`);
    expect(asked).not.toContain(`GET ${layer.digest}`);
    expect((await run("verify", app, "--against", receipt)).code).toBe(0);
    expect(asked).toContain(`GET ${layer.digest}`);
    rmSync(join(folder, "app", "blobs", "sha256", layer.digest.slice("sha256:".length)));
    const gone = await run("verify", app, "--against", receipt, "--presence");
    expect([gone.code, gone.stdout]).toEqual([4, expect.stringContaining(layer.digest)]);
    expect((await run("verify", app, "--presence", "--receipt", receipt)).code).toBe(2);
    const now = await run("receipt", app);
    expect([now.code, now.stdout.includes(layer.digest)]).toEqual([4, false]);
    // A delta onto what is lost says so; the bundle that has it gives it back.
    const [whole, delta] = [join(dir, "whole.tar"), join(dir, "delta.tar")];
    const into = ["--into", app, "--state", join(dir, "state")];
    expect((await run("bundle", join(dir, "source"), "--output", delta, "--since", receipt)).code).toBe(0);
    expect((await run("bundle", join(dir, "source"), "--output", whole)).code).toBe(0);
    const lacking = await run("unbundle", delta, ...into);
    expect([lacking.code, lacking.stdout]).toEqual([8, expect.stringContaining(layer.digest)]);
    expect((await run("unbundle", whole, ...into)).code).toBe(0);
    expect((await run("verify", app, "--against", receipt)).code).toBe(0);
  });

  test("verify --presence of a directory finds what is missing or cut short, and hashes nothing", async () => {
    const dir = copyOf("layouts/oras");
    const before = await run("verify", dir, "--presence", "--json");
    expect([before.code, JSON.parse(before.stdout)]).toEqual([0, expect.objectContaining({ clean: true })]);
    const layout = await Layout.open(dir, { sync: false });
    const { layers } = JSON.parse((await run("cat", `${dir}:v1`, "--platform", "linux/amd64")).stdout) as { layers: { digest: string }[] };
    const path = join(dir, "blobs", "sha256", layers[0]!.digest.slice("sha256:".length));
    const bytes = readFileSync(path);
    bytes[0]! ^= 1;
    chmodSync(path, 0o644);
    writeFileSync(path, bytes);
    await layout.close();
    expect((await run("verify", dir, "--presence")).code).toBe(0);
    expect((await run("verify", dir)).code).toBe(4);
    writeFileSync(path, bytes.subarray(1));
    expect((await run("verify", dir, "--presence")).code).toBe(4);
  });
});

describe("lists of images", () => {
  test("plain lines", () => {
    expect(
      parseImageList("# tools\nalpine:3.20\n\ndocker://quay.io/a/b@sha256:1 # pinned\n./layout:v1\nregistry.example:5000/x:1\n", "l"),
    ).toEqual({
      specs: [
        { kind: "repository", text: "docker://alpine:3.20" },
        { kind: "repository", text: "docker://quay.io/a/b@sha256:1" },
        { kind: "layout", text: "./layout:v1" },
        { kind: "repository", text: "docker://registry.example:5000/x:1" },
      ],
      unused: [],
    });
    expect(sourceOf("b.tar")).toEqual({ kind: "layout", text: "b.tar" });
    expect(() => parseImageList("alpine:3.20 linux/arm64\n", "l")).toThrow('l: "alpine:3.20 linux/arm64" is not one image');
  });

  test("YAML of skopeo sync; settings of the connection are named as unused, unknown members are refused", () => {
    const text =
      "registry.example.com:\n  tls-verify: false\n  images:\n    busybox: []\n    redis:\n      - '1.0'\n      - sha256:00\n  images-by-tag-regex:\n    nginx: ^1\\.13\n  images-by-semver:\n    alpine: '>= 3.12, < 4'\n    x: 1.2\nquay.io:\n  images:\n    coreos/etcd:\n      - latest\nempty.example: {}\n";
    expect(parseImageList(text, "l")).toEqual({
      specs: [
        { kind: "repository", text: "docker://registry.example.com/busybox" },
        { kind: "repository", text: "docker://registry.example.com/redis:1.0" },
        { kind: "repository", text: "docker://registry.example.com/redis@sha256:00" },
        { kind: "repository", text: "docker://registry.example.com/nginx", regex: "^1\\.13" },
        { kind: "repository", text: "docker://registry.example.com/alpine", range: ">= 3.12, < 4" },
        { kind: "repository", text: "docker://registry.example.com/x", range: "1.2" },
        { kind: "repository", text: "docker://quay.io/coreos/etcd:latest" },
      ],
      unused: [
        "l: tls-verify of registry.example.com is not used; see the options of registries and ocilot login",
        "l: empty.example lists no images",
      ],
    });
    expect(() => parseImageList("a.example:\n  image:\n    x: []\n", "l")).toThrow("a.example has an unknown member image");
    expect(() => parseImageList("a.example:\n  images: [x]\n", "l")).toThrow("images of a.example does not name repositories");
    expect(() => parseImageList("a.example:\n  images-by-tag-regex:\n    x: '('\n", "l")).toThrow('"(" is not a regular expression');
    expect(() => parseImageList("a.example:\n  images-by-semver:\n    x: newest\n", "l")).toThrow('"newest" is not a range of versions');
  });

  test("image lists of hauler; what of them is not used is named", () => {
    const head = "apiVersion: content.hauler.cattle.io/v1\nkind: Images\n";
    const text = `${head}metadata:\n  name: x\nspec:\n  images:\n    - name: busybox:1\n      platform: linux/arm64\n    - name: quay.io/a/b\n      key: cosign.pub\n      rewrite: mine/b\n---\n${head}metadata:\n  annotations:\n    hauler.dev/platform: linux/amd64\n    hauler.dev/registry: registry.example\n    hauler.dev/key: cosign.pub\nspec:\n  images: [{ name: c:2 }, { name: 'localhost/d' }]\n`;
    expect(parseImageList(text, "l")).toEqual({
      specs: [
        { kind: "repository", text: "docker://busybox:1", platform: "linux/arm64" },
        { kind: "repository", text: "docker://quay.io/a/b" },
        { kind: "repository", text: "docker://registry.example/c:2", platform: "linux/amd64" },
        { kind: "repository", text: "docker://localhost/d", platform: "linux/amd64" },
      ],
      unused: [
        "l: key of quay.io/a/b is not used",
        "l: rewrite of quay.io/a/b is not used; see unbundle --map",
        "l: the annotation hauler.dev/key is not used",
      ],
    });
    expect(() => parseImageList("apiVersion: v1\nkind: Charts\n", "l")).toThrow("Charts");
    expect(() => parseImageList("a: [", "l")).toThrow("is not YAML");
  });

  test.each([
    ["=1.2.3", ["1.2.3", "v1.2.3"], ["1.2.4", "1.2.3-rc.1", "latest", "1.2.3.4"]],
    ["1.x", ["1.0", "1", "v1.9.9"], ["2.0", "0.9", "1.5.0-beta", "1.x"]],
    ["*", ["0.0.1", "7"], ["7-alpine", "nightly"]],
    [">=3.12, <4", ["3.12", "3.20.1"], ["3.11.9", "4.0.0", "4"]],
    [">1.1", ["1.2.0", "2"], ["1.1.9", "1.1"]],
    [">1.1.0", ["1.1.1"], ["1.1.0"]],
    ["<=1.2", ["1.2.9", "0.3"], ["1.3.0"]],
    ["!=1.2", ["1.3.0"], ["1.2.7"]],
    ["~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0", "1.2.2"]],
    ["~1", ["1.9"], ["2.0"]],
    ["^1.2", ["1.2.0", "1.9"], ["2.0.0", "1.1"]],
    ["^0.2.3", ["0.2.9"], ["0.3.0"]],
    ["^0.0.3", ["0.0.3"], ["0.0.4"]],
    ["^0", ["0.9"], ["1.0"]],
    ["1.2 - 1.4", ["1.2.0", "1.4.7"], ["1.5.0", "1.1.9"]],
    ["<1 || >=2.0.0-rc.2", ["0.9", "2.0.0-rc.10", "2.0.0", "3.1"], ["1.5", "2.0.0-rc.1", "2.0.0-beta"]],
  ])("a range of versions: %s", (range, inside, outside) => {
    const isInside = parseVersionRange(range)!;
    expect(inside.filter((tag) => !isInside(tag))).toEqual([]);
    expect(outside.filter((tag) => isInside(tag))).toEqual([]);
  });

  test("what is no range", () => {
    for (const text of ["", "newest", ">=", "1.2.3.4", "1 ||", ">=a.b"]) expect([text, parseVersionRange(text)]).toEqual([text, undefined]);
  });

  test("a list picks tags of a registry by pattern and by version, and warns of what it does not use", async () => {
    const here = await registry();
    const dir = tempDir();
    const from = await source(dir, "1.9", "v2.1.0", "2.2-rc.1", "nightly");
    expect((await run("copy", "--all", from, `docker://${here.address}/app`)).code).toBe(0);
    const list = join(dir, "list.yml");
    writeFileSync(
      list,
      `"${here.address}":\n  cert-dir: /certs\n  images-by-semver:\n    app: '>=1.5, <3'\n  images-by-tag-regex:\n    app: ^night\n`,
    );
    const { code, stdout, stderr } = await run("bundle", "--list", list, "--plan", "--json");
    expect(code).toBe(0);
    const { images } = JSON.parse(stdout) as { images: { name: string }[] };
    expect(images.map((i) => i.name.slice(here.address.length))).toEqual(["/app:1.9", "/app:nightly", "/app:v2", "/app:v2.1.0"]);
    expect(stderr).toContain("cert-dir");
    writeFileSync(list, `"${here.address}":\n  images-by-semver:\n    app: '>=7'\n`);
    expect(await run("bundle", "--list", list, "--plan")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`no tag matches docker://${here.address}/app with >=7`) as string,
    });
  });
});

test("part sizes are bytes or media", () => {
  expect([partSizeOf("4G"), partSizeOf("dvd"), partSizeOf("fat32"), partSizeOf("FAT32")]).toEqual([
    4e9, 4_700_000_000, 4_294_967_295, 4_294_967_295,
  ]);
  expect(() => partSizeOf("many")).toThrow("--split");
});
