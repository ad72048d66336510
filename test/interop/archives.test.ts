import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { CONTAINERD_IMAGE_NAME, Layout, openLayout } from "@ocilot/layout";
import { type CopyArchiveOptions, type CopyArchiveResult, copyToArchive } from "@ocilot/referrers";
import { blobsOf, fixture, inScratch, readIndex, scratch } from "./layouts.js";
import { CAN_RUN_CONTAINERD, Containerd, Podman } from "./loaders.js";
import { suite } from "./suite.js";
import { must } from "./tools.js";

const FIXTURES = ["oras", "regclient", "buildkit-attestation", "oras-then-regclient", "cosign-tags"];

async function write(name: string, path: string, options: CopyArchiveOptions = {}): Promise<CopyArchiveResult> {
  return await copyToArchive(await Layout.open(fixture(name)), path, { sync: false, ...options });
}

/** Opens an archive of another tool's and reads every blob of it. */
async function readWhole(path: string): Promise<{ warnings: readonly string[]; image: string; blobs: number; config: string }> {
  await using layout = await openLayout(path);
  const [entry] = (await layout.index.read()).entries;
  const manifest = JSON.parse(new TextDecoder().decode(await layout.blobs.bytes(entry!.descriptor))) as { config: { digest: string } };
  let blobs = 0;
  for await (const { digest, size } of layout.blobs.list()) {
    await layout.blobs.bytes({ mediaType: "x", digest, size });
    blobs++;
  }
  return { warnings: layout.warnings.map((w) => w.message), image: entry!.descriptor.digest, blobs, config: manifest.config.digest };
}

suite("oras, on what ocilot writes", { needs: ["oras"], concurrent: true }, (check) => {
  for (const name of FIXTURES) {
    check(`finds in the tar of ${name} what it finds in the directory`, async ({ expect }) => {
      await inScratch(async (here) => {
        const path = join(here, "x.tar");
        await write(name, path);
        const discover = async (layout: string): Promise<string[]> => {
          const said = await must("oras", ["discover", "--oci-layout", "--format", "json", `${layout}:v1`]);
          return [...said.matchAll(/"digest": *"(sha256:[0-9a-f]{64})"/g)].map((m) => m[1]!).toSorted();
        };
        expect(await discover(path)).toEqual(await discover(fixture(name)));
        const manifest = await must("oras", ["manifest", "fetch", "--oci-layout", `${path}:v1`]);
        expect(manifest).toBe(await must("oras", ["manifest", "fetch", "--oci-layout", `${fixture(name)}:v1`]));
        expect(await must("oras", ["repo", "tags", "--oci-layout", path])).toContain("v1");
      });
    });
  }
});

suite("skopeo, both ways", { needs: ["skopeo"], concurrent: true }, (check) => {
  for (const name of FIXTURES) {
    check(`reads the tar of ${name}`, async ({ expect }) => {
      await inScratch(async (here) => {
        const path = join(here, "x.tar");
        const { root } = await write(name, path, { reference: "v1" });
        const raw = await must("skopeo", ["inspect", "--raw", `oci-archive:${path}:v1`]);
        expect(`sha256:${createHash("sha256").update(raw).digest("hex")}`).toBe(root!.digest);
        await must("skopeo", ["copy", "--all", `oci-archive:${path}:v1`, `oci:${join(here, "copy")}:v1`]);
        expect((await readIndex(join(here, "copy"))).manifests[0]!.digest).toBe(root!.digest);
      });
    });
  }

  check("ocilot reads the oci-archive and the docker-archive that it writes", async ({ expect }) => {
    await inScratch(async (here) => {
      const source = `oci:${fixture("skopeo")}:v1`;
      const [oci, docker] = [join(here, "oci.tar"), join(here, "docker.tar")];
      await must("skopeo", ["copy", source, `oci-archive:${oci}:v1`]);
      await must("skopeo", ["copy", source, `docker-archive:${docker}:hello:v1`]);
      const [a, b] = [await readWhole(oci), await readWhole(docker)];
      // Of an image index it takes the platform that it runs on.
      expect(await blobsOf(fixture("skopeo"))).toContain(a.image);
      expect(a.warnings).toEqual([]);
      expect(b.warnings.join()).toContain("docker archive");
      expect(b.config).toBe(a.config);
    });
  });
});

suite("podman load", { needs: ["podman"] }, (check) => {
  for (const name of FIXTURES) {
    check(`loads the docker form of ${name} as one image`, async ({ expect }) => {
      await inScratch(async (here) => {
        const path = join(here, "x.tar");
        const { docker } = await write(name, path, { docker: true, repository: "example.com/hello" });
        const images = await new Podman(here).load(path);
        expect(images.map((i) => i.names)).toEqual(docker!.map((d) => d.names));
        const manifest = JSON.parse(await readFile(join(fixture(name), "blobs", ...docker![0]!.manifest.split(":")), "utf8")) as {
          config: { digest: string };
        };
        expect(`sha256:${images[0]!.id}`).toBe(manifest.config.digest);
      });
    });
  }

  check("ocilot reads what podman saves, in both formats", async ({ expect }) => {
    await inScratch(async (here) => {
      const podman = new Podman(here);
      await write("oras", join(here, "x.tar"), { docker: true });
      const [image] = await podman.load(join(here, "x.tar"));
      for (const format of ["oci-archive", "docker-archive"] as const) {
        await podman.save(image!.names[0]!, format, join(here, `${format}.tar`));
        const read = await readWhole(join(here, `${format}.tar`));
        expect(read.blobs).toBe(3);
        // For the other it writes the config anew.
        if (format === "docker-archive") expect(read.config).toBe(`sha256:${image!.id}`);
      }
    });
  });
});

let containerd: Containerd;
let place: string;
const options = {
  needs: ["containerd", "ctr"] as const,
  async before() {
    place = await scratch();
    if (CAN_RUN_CONTAINERD) containerd = await Containerd.start(place);
    else console.log("interop: containerd needs root, its checks are not run");
  },
  async after() {
    if (CAN_RUN_CONTAINERD) await containerd.stop();
    await rm(place, { recursive: true, force: true });
  },
};

suite("ctr image import", options, (check) => {
  for (const name of FIXTURES) {
    check(`makes one image of the docker form of ${name}, and none of its referrers`, async (context) => {
      if (!CAN_RUN_CONTAINERD) return context.skip();
      await inScratch(async (here) => {
        const path = join(here, "x.tar");
        const { docker } = await write(name, path, { docker: true, repository: "example.com/hello" });
        await using archive = await openLayout(path);
        const named = (await archive.index.read()).entries.find((e) => e.descriptor.annotations?.[CONTAINERD_IMAGE_NAME] !== undefined);
        context.expect(await containerd.import(path)).toEqual({ [docker![0]!.names[0]!]: named!.descriptor.digest });
      });
    });
  }
});
