import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { blobsOf, copyOf, edgeName, fixture, fixtureNames, inScratch, platformNames, readIndex, tagsOf, trueEdges } from "./layouts.js";
import { measure } from "./measure.js";
import { notationFinds, orasFinds } from "./readers.js";
import { suite } from "./suite.js";
import { type Outcome, must, run, runProgram } from "./tools.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/ocilot.js", import.meta.url));
const LAYOUTS = fixtureNames().filter((name) => !name.startsWith("edge/"));

async function ocilot(...argv: string[]): Promise<Outcome> {
  return await runProgram(process.execPath, [CLI, ...argv]);
}

suite("the built command line: ocilot copy", { needs: ["oras", "notation"], built: CLI, concurrent: true }, (check) => {
  for (const name of LAYOUTS) {
    check(`all of ${name}: every program finds what it found in the source`, async ({ expect }) => {
      await inScratch(async (here) => {
        const [source, target] = [await copyOf(fixture(name), join(here, "source")), join(here, "target")];
        const { code, stderr } = await ocilot("copy", "--all", source, target);
        expect([code, stderr]).toEqual([0, ""]);
        const truth = await trueEdges(source);
        expect((await trueEdges(target)).map(edgeName)).toEqual(truth.map(edgeName));
        for (const subject of new Set(truth.map((e) => e.subject))) {
          expect(await orasFinds(target, subject)).toEqual(await orasFinds(source, subject));
          expect(await notationFinds(target, subject)).toEqual(await notationFinds(source, subject));
        }
        const { disagreements } = await measure(target, truth);
        expect(disagreements).toEqual([]);
      });
    });

    check(`each tag of ${name}: oras and notation find every referrer`, async ({ expect }) => {
      await inScratch(async (here) => {
        const source = fixture(name);
        for (const [i, { tag }] of (await tagsOf(source)).filter((t) => !/^sha(256|512)-/.test(t.tag)).entries()) {
          const target = join(here, String(i));
          const { code, stderr } = await ocilot("copy", `${source}:${tag}`, target, "--convention", "universal");
          expect([code, stderr]).toEqual([0, ""]);
          for (const edge of await trueEdges(target)) {
            expect(await orasFinds(target, edge.subject)).toContain(edge.referrer);
            if (edge.isNotation) expect(await notationFinds(target, edge.subject)).toContain(edge.referrer);
          }
        }
      });
    });
  }
});

suite("sparse copies", { needs: ["oras", "skopeo", "notation"], built: CLI, concurrent: true }, (check) => {
  for (const name of LAYOUTS) {
    check(`each platform of ${name}: programs accept what they accept of the source`, async ({ expect }) => {
      await inScratch(async (here) => {
        const source = await copyOf(fixture(name), join(here, "source"));
        let n = 0;
        for (const { tag, platform, child } of await platformsOf(source)) {
          const target = join(here, `target-${n++}`);
          const { code, stderr } = await ocilot("copy", `${source}:${tag}`, target, "--platform", platform);
          expect([code, stderr], `${tag} ${platform}`).toEqual([0, ""]);
          const pulled = async (from: string, to: string): Promise<number> =>
            (await run("skopeo", ["copy", ...platformFlags(platform), `oci:${from}:${tag}`, `oci:${join(here, to)}:x`])).code;
          expect(await pulled(target, `a-${n}`)).toBe(await pulled(source, `b-${n}`));
          const fetched = async (from: string): Promise<string> =>
            (await run("oras", ["manifest", "fetch", "--oci-layout", `${from}:${tag}`, "--platform", platform])).stdout;
          expect(await fetched(target)).toBe(await fetched(source));
          const index = (await tagsOf(target)).find((t) => t.tag === tag)!.descriptor.digest;
          for (const edge of (await trueEdges(source)).filter((e) => e.subject === child || e.subject === index)) {
            expect(await orasFinds(target, edge.subject)).toEqual(expect.arrayContaining(await orasFinds(source, edge.subject)));
            expect(await notationFinds(target, edge.subject)).toEqual(await notationFinds(source, edge.subject));
          }
        }
      });
    });
  }
});

suite("ocilot gc after what other programs take away", { needs: ["oras", "umoci", "skopeo"], built: CLI, concurrent: true }, (check) => {
  check("oras manifest delete: what it left over goes, the rest stays and umoci agrees", async ({ expect }) => {
    await inScratch(async (here) => {
      const layout = await copyOf(fixture("oras"), join(here, "layout"));
      const [edge] = await trueEdges(layout);
      await must("oras", ["manifest", "delete", "--force", "--oci-layout", `${layout}@${edge!.referrer}`]);
      const rest = (await trueEdges(layout)).map(edgeName);
      expect((await ocilot("gc", layout, "--grace", "0s")).code).toBe(0);
      expect((await trueEdges(layout)).map(edgeName)).toEqual(rest);
      const kept = await blobsOf(layout);
      await must("umoci", ["gc", "--layout", layout]);
      expect(await blobsOf(layout)).toEqual(kept);
    });
  });

  check("umoci rm, then gc: what only the tag held goes, and umoci finds nothing more", async ({ expect }) => {
    await inScratch(async (here) => {
      const layout = await copyOf(fixture("umoci"), join(here, "layout"));
      const [tag] = await tagsOf(layout);
      await must("umoci", ["rm", "--image", `${layout}:${tag!.tag}`]);
      const before = await blobsOf(layout);
      expect((await ocilot("gc", layout, "--grace", "0s")).code).toBe(0);
      const after = await blobsOf(layout);
      expect(after.length).toBeLessThanOrEqual(before.length);
      await must("umoci", ["gc", "--layout", layout]);
      expect(await blobsOf(layout)).toEqual(after);
    });
  });

  check("an image that regctl deleted: the blob is gone, its referrers are pruned only when asked", async ({ expect }) => {
    await inScratch(async (here) => {
      const layout = await copyOf(fixture("regclient"), join(here, "layout"));
      const edges = await trueEdges(layout);
      const index = await readIndex(layout);
      const tagged = index.manifests.find((m) => m.annotations?.["org.opencontainers.image.ref.name"] === "v1")!;
      await rm(join(layout, "blobs", ...tagged.digest.split(":")));
      expect((await ocilot("gc", layout, "--grace", "0s")).code).toBe(0);
      expect((await trueEdges(layout)).length).toBe(edges.length);
      expect((await ocilot("gc", layout, "--grace", "0s", "--prune-dangling")).code).toBe(0);
      const left = await trueEdges(layout);
      expect(left.filter((e) => e.subject === tagged.digest)).toEqual([]);
      expect((await run("oras", ["repo", "tags", "--oci-layout", layout])).code).toBe(0);
    });
  });

  for (const name of LAYOUTS) {
    check(`${name}: oras finds afterwards what it found`, async ({ expect }) => {
      await inScratch(async (here) => {
        const layout = await copyOf(fixture(name), join(here, "layout"));
        const before = await foundByOras(layout);
        const text = await readFile(join(layout, "index.json"), "utf8");
        expect((await ocilot("gc", layout, "--grace", "0s")).code).toBe(0);
        expect(await foundByOras(layout)).toEqual(before);
        expect(await readFile(join(layout, "index.json"), "utf8")).toBe(text);
      });
    });
  }
});

async function foundByOras(layout: string): Promise<string[][]> {
  const subjects = [...new Set((await trueEdges(layout)).map((e) => e.subject))];
  return await Promise.all(subjects.map(async (s) => [s, ...(await orasFinds(layout, s))]));
}

async function platformsOf(layout: string): Promise<{ tag: string; platform: string; child: string }[]> {
  const found: { tag: string; platform: string; child: string }[] = [];
  for (const digest of await blobsOf(layout)) {
    for (const { tag, platform } of await platformNames(layout, digest)) found.push({ tag, platform, child: digest });
  }
  return found;
}

function platformFlags(platform: string): string[] {
  const [os, arch, variant] = platform.split("/");
  return ["--override-os", os!, "--override-arch", arch!, ...(variant === undefined ? [] : ["--override-variant", variant])];
}
