import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, parseDigest } from "@ocilot/layout";
import { TARGETS } from "@ocilot/referrers";
import { convertTo } from "./conversions.js";
import { attach, copyImage, makeNotationHome, notationSign } from "./makers.js";
import { copyOf, inScratch, scratch, tagsOf, trueEdges } from "./layouts.js";
import { notationFinds } from "./readers.js";
import { suite } from "./suite.js";
import { tamperWithLayer } from "./tamper.js";
import { type Outcome, run } from "./tools.js";

let home: string;

const options = {
  needs: ["notation", "oras"] as const,
  concurrent: true,
  async before() {
    home = await makeNotationHome(await scratch());
  },
  async after() {
    await rm(home, { recursive: true, force: true });
  },
};

suite("notation verify, on the layout", options, (check) => {
  for (const target of TARGETS) {
    for (const only of [false, true]) {
      check(`passes after a conversion to ${target}${only ? " --only" : ""}`, async ({ expect }) => {
        await inScratch(async (here) => {
          const layout = await signedLayout(here);
          await convertTo(layout, target, { only });
          const image = await imageIn(layout);
          expect(await verify(layout, image)).toMatchObject({ code: 0 });
          expect(await notationFinds(layout, image)).toHaveLength(2);
        });
      });
    }
  }

  check("passes after one conversion after the other, each with --only", async ({ expect }) => {
    await inScratch(async (here) => {
      const layout = await signedLayout(here);
      for (const target of TARGETS) {
        await convertTo(layout, target, { only: true });
        expect(await verify(layout, await imageIn(layout)), target).toMatchObject({ code: 0 });
      }
    });
  });

  check("fails where the envelope was tampered with", async ({ expect }) => {
    await inScratch(async (here) => {
      const layout = join(here, "layout");
      await copyImage(layout);
      await notationSign({ notationHome: home }, `${layout}:v1`);
      const image = await imageIn(layout);
      const bad = await copyOf(layout, join(here, "bad"));
      await tamperWithLayer(bad, (await trueEdges(bad))[0]!.referrer, (envelope) => {
        const { signature, ...rest } = JSON.parse(envelope) as { signature: string };
        return JSON.stringify({ ...rest, signature: `${signature.slice(0, 9)}${signature[9] === "A" ? "B" : "A"}${signature.slice(10)}` });
      });
      for (const target of TARGETS) await convertTo(bad, target);
      expect(await notationFinds(bad, image)).toHaveLength(1);
      const { code, stderr } = await verify(bad, image);
      expect(code).not.toBe(0);
      expect(stderr).toContain("signature verification failed");
      expect(await verify(layout, image)).toMatchObject({ code: 0 });
    });
  });
});

/** An image with two signatures, an SBOM, and a referrer of the SBOM. */
async function signedLayout(here: string): Promise<string> {
  const layout = join(here, "layout");
  await copyImage(layout);
  const shop = { directory: here, registry: "", name: "", cosignKey: "", notationHome: home };
  await notationSign(shop, `${layout}:v1`);
  await notationSign(shop, `${layout}:v1`);
  const sbom = await attach(shop, ["--oci-layout"], `${layout}:v1`, "application/spdx+json");
  await attach(shop, ["--oci-layout"], `${layout}@${sbom}`, "application/vnd.example.signature");
  return layout;
}

async function imageIn(layout: string): Promise<Digest> {
  return parseDigest((await tagsOf(layout)).find((t) => t.tag === "v1")!.descriptor.digest);
}

async function verify(layout: string, image: string): Promise<Outcome> {
  return await run("notation", ["verify", "--oci-layout", "--scope", "local/test", `${layout}@${image}`], {
    env: { XDG_CONFIG_HOME: home },
  });
}
