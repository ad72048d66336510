import type { ExpectStatic } from "vitest";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RegistryServer, createServer } from "@ocilot/server";
import { FIXTURES, LayoutBuilder, fixtureTruths } from "@ocilot/testkit";
import { inScratch, scratch } from "./layouts.js";
import { CAN_RUN_CONTAINERD, Containerd, Podman } from "./loaders.js";
import {
  HTPASSWD,
  attach,
  cosignSign,
  makeCosignKey,
  makeNotationHome,
  publicKey,
  pushImage,
  remoteDigest,
  signatureTag,
} from "./makers.js";
import { suite } from "./suite.js";
import { must, run, runProgram } from "./tools.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/ocilot.js", import.meta.url));
/** A tenth of what a person runs by hand. */
const IS_LONG = process.env.OCILOT_LONG === "1";
const REFERRERS = IS_LONG ? 1000 : 100;
/** How often the runs that must lose nothing are repeated. */
const RUNS = IS_LONG ? 20 : 1;

let directory: string;
let fixtures: RegistryServer;
let before: string;
let writable: RegistryServer;
let shops = 0;

const options = {
  needs: ["oras", "crane", "skopeo", "cosign", "notation"] as const,
  built: CLI,
  async before() {
    directory = await scratch();
    await cp(join(FIXTURES, "layouts"), join(directory, "fixtures"), { recursive: true });
    before = await stateOf(join(directory, "fixtures"));
    fixtures = await createServer(join(directory, "fixtures"));
    await mkdir(join(directory, "store"));
    writable = await createServer(join(directory, "store"), { writable: true, delete: true });
  },
  async after() {
    await fixtures.close();
    await writable.close();
    await rm(directory, { recursive: true, force: true });
  },
};

/** A repository that no other check uses, with the image of the fixtures under `v1`. */
async function shop(): Promise<{ repository: string; folder: string; shop: Parameters<typeof pushImage>[0] }> {
  const name = `shop/${++shops}`;
  const here = { directory, registry: writable.address, name, cosignKey: "", notationHome: "" };
  return { repository: await pushImage(here), folder: join(directory, "store", "shop", String(shops)), shop: here };
}

async function listed(server: RegistryServer, repository: string, subject: string): Promise<string[]> {
  const answer = await fetch(`${server.url}/v2/${repository}/referrers/${subject}`);
  return ((await answer.json()) as { manifests: { digest: string }[] }).manifests.map((d) => d.digest);
}

suite("ocilot serve, a folder of layouts of every convention", options, (check) => {
  check("oras discover finds all 34 links of the fixtures, and the folder is what it was, to the byte", async ({ expect }) => {
    let found = 0;
    for (const [name, truth] of Object.entries(fixtureTruths())) {
      for (const [subject, referrers] of Object.entries(truth)) {
        const out = await must("oras", [
          "discover",
          "--plain-http",
          "--depth",
          "1",
          "--format",
          "json",
          `${fixtures.address}/${name}@${subject}`,
        ]);
        const seen = (JSON.parse(out) as { referrers?: { digest: string }[] }).referrers ?? [];
        expect(seen.map((d) => d.digest).toSorted(), `${name} ${subject}`).toEqual([...referrers].toSorted());
        found += seen.length;
      }
    }
    expect(found).toBe(34);
    expect(await stateOf(join(directory, "fixtures"))).toBe(before);
  });

  check("oras, crane and skopeo pull the same image out of layouts of every tool", async ({ expect }) => {
    for (const name of ["pulled", "copied"]) await mkdir(join(directory, name));
    for (const name of ["oras", "regclient", "olareg", "skopeo", "umoci", "skopeo-archive", "oras-backup"]) {
      const { tags } = (await (await fetch(`${fixtures.url}/v2/${name}/tags/list`)).json()) as { tags: string[] };
      const tag = tags.find((t) => !t.startsWith("sha256-"))!;
      const reference = `${fixtures.address}/${name}:${tag}`;
      const manifest = await must("oras", ["manifest", "fetch", "--plain-http", reference]);
      const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
      expect((await must("crane", ["digest", "--insecure", reference])).trim(), name).toBe(digest);
      await must("crane", ["validate", "--insecure", "--remote", reference]);
      await must("skopeo", [
        "copy",
        "-q",
        "--all",
        "--src-tls-verify=false",
        `docker://${reference}`,
        `oci:${join(directory, "pulled", name)}:v1`,
      ]);
      await must("oras", ["cp", "-r", "--from-plain-http", reference, "--to-oci-layout", `${join(directory, "copied", name)}:v1`]);
    }
  });

  check("podman pulls, and pushes back", async ({ expect }) => {
    await inScratch(async (here) => {
      const { repository } = await shop();
      const podman = new Podman(here);
      const id = await podman.pull(`${repository}:v1`);
      await podman.push(id, `${writable.address}/podman/app:v1`);
      await must("crane", ["validate", "--insecure", "--remote", `${writable.address}/podman/app:v1`]);
      expect(id).toMatch(/^[0-9a-f]{64}$/);
    });
  });

  if (CAN_RUN_CONTAINERD) {
    check("ctr images pull --plain-http, and push", async ({ expect }) => {
      const containerd = await Containerd.start(join(directory, "containerd"));
      try {
        const { repository } = await shop();
        const pulled = await containerd.pull(`${repository}:v1`);
        expect(pulled).toBe(await remoteDigest(`${repository}:v1`));
        await containerd.push(`${repository}:v1`, `${writable.address}/containerd/app:v1`);
        expect(await remoteDigest(`${writable.address}/containerd/app:v1`)).toBe(pulled);
      } finally {
        await containerd.stop();
      }
    });
  }

  check("cosign signs, as a bundle and with a tag, and verifies; the layout on the disk holds both", async ({ expect }) => {
    const key = await makeCosignKey(directory);
    for (const way of ["bundle", "tag"] as const) {
      const { repository, shop: here, folder } = await shop();
      const image = await remoteDigest(`${repository}:v1`);
      await cosignSign({ ...here, cosignKey: key }, `${repository}@${image}`, way);
      const verify = ["verify", "--key", publicKey(key), "--insecure-ignore-tlog=true", "--allow-http-registry", `${repository}@${image}`];
      expect((await run("cosign", verify)).code, way).toBe(0);
      const { tags } = (await (await fetch(`${writable.url}/v2/${here.name}/tags/list`)).json()) as { tags: string[] };
      expect(tags.includes(signatureTag(image))).toBe(way === "tag");
      expect((await runProgram(process.execPath, [CLI, "referrers", `${folder}@${image}`, "--json"])).stdout).toContain("digest");
    }
  });

  check("notation signs and verifies", async ({ expect }) => {
    const home = await makeNotationHome(join(directory, "notation"));
    const { repository } = await shop();
    const image = await remoteDigest(`${repository}:v1`);
    const env = { XDG_CONFIG_HOME: home };
    await must("notation", ["sign", "--insecure-registry", `${repository}@${image}`], { env });
    expect(await run("notation", ["verify", "--insecure-registry", `${repository}@${image}`], { env })).toMatchObject({ code: 0 });
  });

  check(
    `oras cp -r of an image with ${REFERRERS} referrers, 1, 3 and 8 at once: all are kept`,
    async ({ expect }) => {
      const builder = new LayoutBuilder();
      const image = builder.image();
      const referrers = Array.from({ length: REFERRERS }, () => builder.referrer(image));
      builder.entry(image, { tag: "v0" });
      for (const referrer of referrers) builder.listed(referrer);
      const source = join(directory, "many");
      await builder.directory(source);
      for (const [round, concurrency] of Array.from({ length: RUNS }, (_, i) => ["1", "3", "8"].map((c) => [i, c] as const)).flat()) {
        const target = `many/c${concurrency}-${round}`;
        const args = [
          "cp",
          "-r",
          "--concurrency",
          concurrency,
          "--from-oci-layout",
          `${source}:v0`,
          "--to-plain-http",
          `${writable.address}/${target}:v0`,
        ];
        await must("oras", args);
        expect(await listed(writable, target, image.digest), concurrency).toEqual(referrers.map((r) => r.digest).toSorted());
        const doctor = await runProgram(process.execPath, [
          CLI,
          "convert",
          join(directory, "store", target),
          "--to",
          "universal",
          "--check",
        ]);
        expect([doctor.code, doctor.stdout], concurrency).toEqual([0, doctor.stdout]);
      }
    },
    IS_LONG ? 14_400_000 : 900_000,
  );

  check(
    "8 × 10 oras attach beside 4 × 10 ocilot attach on the folder: all are kept",
    async ({ expect }) => {
      await writeFile(join(directory, "sbom.json"), "{}");
      for (let round = 0; round < RUNS; round++) await attachBeside(expect);
    },
    IS_LONG ? 14_400_000 : 600_000,
  );

  async function attachBeside(expect: ExpectStatic): Promise<void> {
    const { repository, shop: here, folder } = await shop();
    const image = await remoteDigest(`${repository}:v1`);
    const oras = Array.from({ length: 8 }, async (_, i) => {
      for (let j = 0; j < 10; j++) {
        const place = join(directory, `attach-${i}`);
        await mkdir(place, { recursive: true });
        await attach({ ...here, directory: place }, ["--plain-http"], `${repository}@${image}`, `application/vnd.example.oras-${i}-${j}`);
      }
    });
    const ocilot = Array.from({ length: 4 }, async (_, i) => {
      for (let j = 0; j < 10; j++) {
        const args = [
          CLI,
          "attach",
          `${folder}@${image}`,
          join(directory, "sbom.json"),
          "--artifact-type",
          `application/vnd.example.ocilot-${i}-${j}`,
        ];
        const { code, stderr } = await runProgram(process.execPath, args);
        expect(code, stderr).toBe(0);
      }
    });
    await Promise.all([...oras, ...ocilot]);
    expect(await listed(writable, here.name, image)).toHaveLength(120);
  }

  check("with accounts and anonymous pull: everybody pulls without a login, and pushes with one", async ({ expect }) => {
    const store = join(directory, "guarded");
    await mkdir(store);
    const server = await createServer(store, {
      writable: true,
      htpasswd: HTPASSWD,
      access: [
        { repositories: "**", right: "read", anonymous: true },
        { repositories: "**", right: "write", users: ["me"] },
      ],
    });
    try {
      const source = join(directory, "fixtures", "oras");
      const there = `${server.address}/app`;
      const login: Record<string, readonly string[]> = {
        oras: ["login", "--plain-http", "-u", "me", "-p"],
        podman: ["login", "--tls-verify=false", "-u", "me", "-p"],
        skopeo: ["login", "--tls-verify=false", "-u", "me", "-p"],
        crane: ["auth", "login", "--insecure", "-u", "me", "-p"],
      };
      for (const [name, args] of Object.entries(login)) {
        const config = join(directory, `login-${name}`);
        await mkdir(config);
        const env = { DOCKER_CONFIG: config, REGISTRY_AUTH_FILE: join(config, "auth.json"), HOME: config };
        const as = name as "oras" | "podman" | "skopeo" | "crane";
        // crane stores what it is given, and asks nobody.
        if (name !== "crane") expect((await run(as, [...args, "wrong", server.address], { env })).code, name).not.toBe(0);
        expect((await run("skopeo", pushing(source, `${there}-${name}:v1`), { env })).code, name).not.toBe(0);
        await must(as, [...args, "hunter2", server.address], { env });
        await must("skopeo", pushing(source, `${there}-${name}:v1`), { env: { ...env, REGISTRY_AUTH_FILE: authFile(name, config) } });
      }
      await must("oras", ["manifest", "fetch", "--plain-http", `${there}-oras:v1`]);
      await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${there}-oras:v1`]);
      await must("crane", ["manifest", "--insecure", `${there}-oras:v1`]);
      expect(await runProgram(process.execPath, [CLI, "ls", `docker://${there}-oras`, "--plain-http"])).toMatchObject({ code: 0 });
    } finally {
      await server.close();
    }
  });
});

function pushing(layout: string, to: string): string[] {
  return ["copy", "--quiet", "--all", "--dest-tls-verify=false", `oci:${layout}:v1`, `docker://${to}`];
}

/** Where the program's `login` writes. */
function authFile(name: string, config: string): string {
  return join(config, name === "podman" || name === "skopeo" ? "auth.json" : "config.json");
}

/** Paths, times, sizes and content of all files below a directory, as one digest. */
async function stateOf(root: string): Promise<string> {
  const hash = createHash("sha256");
  for (const path of (await readdir(root, { recursive: true })).toSorted()) {
    const { mtimeMs, size, mode, ino } = await stat(join(root, path));
    hash.update(`${path} ${mtimeMs} ${size} ${mode} ${ino}\n`);
    if ((mode & 0o170000) === 0o100000) hash.update(await readFile(join(root, path)));
  }
  return hash.digest("hex");
}
