import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RegistryServer, createServer } from "@ocilot/server";
import { fixture, inScratch, scratch } from "./layouts.js";
import { Podman } from "./loaders.js";
import { attach, cosignSign, makeCosignKey, pushImage, remoteDigest } from "./makers.js";
import { registryAddress } from "./registry.js";
import { suite } from "./suite.js";
import { locate, must, run, runProgram } from "./tools.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/ocilot.js", import.meta.url));
const PAGE = fileURLToPath(new URL("../../docs/bundles.md", import.meta.url));

let directory: string;
let here: RegistryServer;

const options = {
  needs: ["oras", "skopeo", "cosign", "crane", "docker-registry"] as const,
  built: CLI,
  async before() {
    directory = await scratch();
    here = await createServer();
  },
  async after() {
    await here.close();
    await rm(directory, { recursive: true, force: true });
  },
};

async function ocilot(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(process.execPath, [CLI, ...args], { cwd: directory });
  if (code !== 0) throw new Error(`ocilot ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
  return stdout;
}

suite("bundles", options, (check) => {
  check(
    "the six commands of docs/bundles.md, as they stand, from one registry to docker-registry, with cosign verify at the end",
    async ({ expect }) => {
      const page = await readFile(PAGE, "utf8");
      const commands = /```sh no-run\n(.*?)```/s.exec(page)![1]!.trimEnd().split("\n");
      expect(commands).toHaveLength(6);
      const key = await makeCosignKey(directory);
      await writeFile(join(directory, "cosign.pub"), await readFile(key.replace(/\.key$/, ".pub")));
      const shop = { directory, registry: here.address, name: "shop/app", cosignKey: key, notationHome: "" };
      await pushImage(shop);
      await cosignSign(shop, `${here.address}/shop/app@${await remoteDigest(`${here.address}/shop/app:v1`)}`, "bundle");
      const bin = join(directory, "bin");
      await mkdir(bin);
      await writeFile(join(bin, "ocilot"), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`, { mode: 0o755 });
      await writeFile(join(bin, "cosign"), `#!/bin/sh\nexec "${locate("cosign")}" "$@"\n`, { mode: 0o755 });
      const env = {
        HERE: here.address,
        FAR: registryAddress(),
        PATH: `${bin}:${process.env.PATH}`,
        XDG_STATE_HOME: join(directory, "state"),
      };
      for (const [i, command] of commands.entries()) {
        if (i === 3) {
          // A week later there is a second version, signed with a tag as cosign used to.
          await must("skopeo", [
            "copy",
            "-q",
            "--override-os=linux",
            "--override-arch=amd64",
            "--dest-tls-verify=false",
            `oci:${fixture("skopeo")}:v1`,
            `docker://${here.address}/shop/app:v2`,
          ]);
          await cosignSign(shop, `${here.address}/shop/app@${await remoteDigest(`${here.address}/shop/app:v2`)}`, "tag");
        }
        const { code, stdout, stderr } = await runProgram("/bin/sh", ["-c", command], { cwd: directory, env });
        expect({ command, code, output: code === 0 ? "" : stderr + stdout }).toEqual({ command, code: 0, output: "" });
      }
      for (const tag of ["v1", "v2"]) {
        const args = ["verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", `${registryAddress()}/shop/app:${tag}`];
        expect((await run("cosign", args, { cwd: directory })).code, tag).toBe(0);
        expect(await remoteDigest(`${registryAddress()}/shop/app:${tag}`)).toBe(await remoteDigest(`${here.address}/shop/app:${tag}`));
      }
    },
  );

  check("a pipe: two processes, one bundle, into a layout and into docker-registry", async ({ expect }) => {
    const source = fixture("oras");
    const target = `docker://${registryAddress()}/piped/app`;
    const command = `"$NODE" "$CLI" bundle "$SOURCE" --output - | "$NODE" "$CLI" unbundle - --into`;
    const env = { NODE: process.execPath, CLI, SOURCE: source, XDG_STATE_HOME: join(directory, "state") };
    for (const into of [join(directory, "piped"), target]) {
      const { code, stdout, stderr } = await runProgram("/bin/sh", ["-c", `${command} "$INTO"`], {
        cwd: directory,
        env: { ...env, INTO: into },
      });
      expect({ into, code, stdout, stderr: code === 0 ? "" : stderr }).toEqual({
        into,
        code: 0,
        stdout: expect.stringContaining("v1: complete") as string,
        stderr: "",
      });
      await ocilot("receipt", source, "--output", "piped.json");
      await ocilot("verify", into, "--against", join(directory, "piped.json"), "--allow-added");
    }
    // What ends too early is named, and nothing is listed.
    const cut = `"$NODE" "$CLI" bundle "$SOURCE" --output - | head -c 12000 | "$NODE" "$CLI" unbundle - --into cut`;
    const { code, stdout } = await runProgram("/bin/sh", ["-c", cut], { cwd: directory, env });
    expect([code, stdout]).toEqual([4, expect.stringContaining("standard input") as string]);
    expect(stdout).not.toContain("- is damaged");
  });

  check("oras, skopeo and podman read a whole bundle; skopeo reads an image out of a part", async ({ expect }) => {
    const shop = { directory, registry: here.address, name: "read/app", cosignKey: "", notationHome: "" };
    await pushImage(shop, "one");
    await attach(shop, ["--plain-http"], `${here.address}/read/app:v1`, "application/spdx+json");
    const name = `${here.address}/read/app:v1`;
    await ocilot("bundle", `docker://${name}`, "--output", "read.tar");
    const archive = join(directory, "read.tar");
    expect(JSON.parse(await must("skopeo", ["inspect", "--raw", `oci-archive:${archive}:${name}`]))).toMatchObject({ schemaVersion: 2 });
    await must("skopeo", ["copy", "-q", `oci-archive:${archive}:${name}`, `oci:${join(directory, "copied")}:v1`]);
    const layout = join(directory, "unpacked");
    await mkdir(layout);
    await runProgram("tar", ["xf", archive, "-C", layout]);
    const digest = await remoteDigest(name);
    const found = JSON.parse(await must("oras", ["discover", "--oci-layout", "--format", "json", `${layout}@${digest}`])) as {
      referrers?: unknown[];
      manifests?: unknown[];
    };
    expect((found.referrers ?? found.manifests)!.length).toBe(1);
    // oras takes full names into their own repository only, and plain tags into any.
    await ocilot("bundle", join(directory, "copied"), "--output", "plain.tar");
    for (const [input, repository] of [
      [archive, "read/app"],
      [join(directory, "plain.tar"), "restored/app"],
    ]) {
      const restored = await run("oras", ["restore", "--plain-http", "--input", input!, `${here.address}/${repository}`]);
      expect([repository, restored.code, restored.stderr]).toEqual([repository, 0, expect.any(String)]);
    }
    expect(await remoteDigest(`${here.address}/restored/app:v1`)).toBe(digest);
    await ocilot("bundle", `docker://${name}`, "--output", "parts.tar", "--split", "1M");
    const part = (await readdir(directory)).find((n) => n.startsWith("parts.part-"));
    expect(JSON.parse(await must("skopeo", ["inspect", "--raw", `oci-archive:${join(directory, part!)}:${name}`]))).toMatchObject({
      schemaVersion: 2,
    });
    if (locate("podman") === undefined) return;
    await inScratch(async (place) => {
      expect(await new Podman(place).pull(`oci-archive:${archive}:${name}`)).toMatch(/^[0-9a-f]{64}$/);
    });
  });

  check("cosign signs the digest of a receipt, and unbundle has it checked", async ({ expect }) => {
    const place = join(directory, "signed");
    await mkdir(place);
    const key = await makeCosignKey(place);
    const cosign = locate("cosign")!;
    const sign = `${cosign} sign-blob --key ${key} --tlog-upload=false --use-signing-config=false --bundle "$OCILOT_SIGNATURE" --yes -`;
    const verify = `${cosign} verify-blob --key ${key.replace(/\.key$/, ".pub")} --insecure-ignore-tlog=true --bundle "$OCILOT_SIGNATURE" -`;
    await ocilot("bundle", fixture("oras"), "--output", join(place, "b.tar"), "--sign-with", sign);
    await ocilot("unbundle", join(place, "b.tar"), "--into", join(place, "far"), "--verify-with", verify);
    await ocilot("bundle", fixture("regclient"), "--output", join(place, "b.tar"), "--force");
    await expect(ocilot("unbundle", join(place, "b.tar"), "--into", join(place, "other"), "--verify-with", verify)).rejects.toThrow(
      "exit 6",
    );
  });
});
