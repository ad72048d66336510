import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseDigest } from "@ocilot/layout";
import { referrersTag } from "@ocilot/referrers";
import { type ExpectStatic } from "vitest";
import { convertTo } from "./conversions.js";
import {
  INDEX,
  MANIFEST,
  REF_NAME,
  type RawDescriptor,
  type RawManifest,
  addBlob,
  blobPath,
  blobsOf,
  copyOf,
  fixture,
  inScratch,
  readIndex,
  readManifest,
  referencedBlobs,
  tagsOf,
  trueEdges,
  writeIndex,
} from "./layouts.js";
import { attach, makeNotationHome, notationSign } from "./makers.js";
import { measure } from "./measure.js";
import { suite } from "./suite.js";
import { must } from "./tools.js";

const OLAREG = "org.olareg.referrer.subject";
const CREATED = "org.opencontainers.image.created";

/** A universal layout, a way to edit it, and what the readers find between the edit and the next conversion. */
interface Edit {
  readonly title: string;
  /** The part of the scores that the edit is known to cost; peers.md measured the first three. */
  readonly costs: Readonly<Record<string, string>>;
  edit(layout: string, here: string): Promise<void>;
}

const EDITS: readonly Edit[] = [
  {
    title: "oras attaches",
    costs: { oras: "4/4", regctl: "3/4", "regctl-slow": "4/4", olareg: "3/4", containerd: "3/4" },
    async edit(layout, here) {
      await attach(shopIn(here), ["--oci-layout"], `${layout}:v1`, "application/vnd.example.new");
    },
  },
  {
    title: "regctl puts an artifact",
    costs: { oras: "4/4", regctl: "4/4", "regctl-slow": "4/4", olareg: "2/4", containerd: "3/4" },
    edit: async (layout) => await putAs(layout, "regctl", await imageOf(layout)),
  },
  {
    title: "a client pushes through olareg",
    costs: { oras: "4/4", regctl: "2/4", olareg: "4/4", containerd: "3/4" },
    edit: async (layout) => await putAs(layout, "olareg", await imageOf(layout)),
  },
  {
    title: "regctl puts an artifact on something that had no referrers",
    costs: { regctl: "4/4", olareg: "3/4", containerd: "3/4" },
    edit: async (layout) => await putAs(layout, "regctl", await leafOf(layout)),
  },
  {
    title: "a client pushes a referrer of a referrer through olareg",
    costs: { regctl: "3/4", olareg: "4/4", containerd: "3/4" },
    edit: async (layout) => await putAs(layout, "olareg", await leafOf(layout)),
  },
  {
    title: "regctl puts, then olareg is pushed to, then oras attaches",
    costs: { oras: "6/6" },
    async edit(layout, here) {
      await putAs(layout, "regctl", await imageOf(layout), "one");
      await putAs(layout, "olareg", await imageOf(layout), "two");
      await attach(shopIn(here), ["--oci-layout"], `${layout}:v1`, "application/vnd.example.new");
    },
  },
  {
    title: "notation signs",
    costs: { oras: "4/4", notation: "1/1", regctl: "3/4", olareg: "3/4", containerd: "3/4" },
    async edit(layout, here) {
      await notationSign({ notationHome: await makeNotationHome(join(here, "notation")) }, `${layout}:v1`);
    },
  },
  {
    title: "skopeo copies one of the referrers in",
    costs: { oras: "3/3", containerd: "2/3" },
    async edit(layout, here) {
      const [edge] = await trueEdges(layout);
      await must("oras", ["tag", "--oci-layout", `${layout}@${edge!.referrer}`, "referrer"]);
      const out = join(here, "out");
      await must("skopeo", ["copy", "-q", `oci:${layout}:referrer`, `oci:${out}:referrer`]);
      await must("skopeo", ["copy", "-q", `oci:${out}:referrer`, `oci:${layout}:referrer`]);
    },
  },
  {
    title: "umoci adds an image and collects",
    costs: { oras: "3/3", regctl: "3/3", "regctl-slow": "3/3", olareg: "3/3", containerd: "3/3" },
    async edit(layout) {
      await must("umoci", ["new", "--image", `${layout}:new`]);
      await must("umoci", ["gc", "--layout", layout]);
    },
  },
];

suite(
  "after us, a foreign edit; one conversion to universal heals it",
  { needs: ["oras", "notation", "skopeo", "umoci"], concurrent: true },
  (check) => {
    for (const { title, costs, edit } of EDITS) {
      check(title, async ({ expect }) => {
        await inScratch(async (here) => {
          const layout = await copyOf(fixture("oras"), join(here, "layout"));
          await toUniversal(layout);
          await everyReaderFindsAll(layout, expect);
          await edit(layout, here);
          const { scores, disagreements } = await measure(layout, await trueEdges(layout));
          expect(disagreements).toEqual([]);
          const found = Object.entries(scores).map(([reader, s]) => [reader, `${s.found}/${s.there}`]);
          expect(Object.fromEntries(found), "what the edit costs").toMatchObject(costs);
          await toUniversal(layout);
          await everyReaderFindsAll(layout, expect);
          expect((await convertTo(layout, "universal"))?.steps, "a second conversion").toEqual([]);
          const referenced = await referencedBlobs(layout);
          await must("umoci", ["gc", "--layout", layout]);
          expect([...(await referencedBlobs(layout))].toSorted()).toEqual([...referenced].toSorted());
          await everyReaderFindsAll(layout, expect);
        });
      });
    }
  },
);

async function toUniversal(layout: string): Promise<void> {
  if ((await convertTo(layout, "universal")) === undefined) throw new Error("refused");
}

async function everyReaderFindsAll(layout: string, expect: ExpectStatic): Promise<void> {
  const { scores, disagreements } = await measure(layout, await trueEdges(layout));
  expect(disagreements).toEqual([]);
  const short = Object.entries(scores).filter(([, s]) => s.found !== s.there || s.wrong > 0);
  expect(Object.fromEntries(short)).toEqual({});
}

function shopIn(directory: string): Parameters<typeof attach>[0] {
  return { directory, registry: "", name: "", cosignKey: "", notationHome: "" };
}

async function imageOf(layout: string): Promise<RawDescriptor> {
  return (await tagsOf(layout)).find((t) => t.tag === "v1")!.descriptor;
}

/** A referrer that nothing refers to. */
async function leafOf(layout: string): Promise<RawDescriptor> {
  const edges = await trueEdges(layout);
  const subjects = new Set<string>(edges.map((e) => e.subject));
  const { referrer } = edges.find((e) => !subjects.has(e.referrer))!;
  return (await readIndex(layout)).manifests.find((d) => d.digest === referrer)!;
}

/**
 * What `regctl artifact put --subject` or a push through olareg 0.2.2 leaves: the artifact has no entry of its own; the list
 * of its subject is written anew with one more line, and its entry put in place of the old one *without the annotations
 * of others*; members that the program does not know are gone. regctl then collects, without regard to `subject`.
 */
async function putAs(layout: string, program: "regctl" | "olareg", target: RawDescriptor, text: string = program): Promise<void> {
  const { mediaType, digest, size } = target;
  const empty = await addBlob(layout, "application/vnd.oci.empty.v1+json", "{}");
  const manifest: RawManifest & { schemaVersion: number } = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: "application/vnd.example.new",
    config: empty,
    layers: [await addBlob(layout, "text/plain", text)],
    subject: { mediaType, digest, size },
    annotations: { "org.example.by": text },
  };
  const artifact = await addBlob(layout, MANIFEST, manifest);
  const line = { ...artifact, annotations: manifest.annotations!, artifactType: manifest.artifactType! };

  const tag = referrersTag(parseDigest(digest));
  const index = await readIndex(layout);
  const at = index.manifests.findIndex((d) =>
    program === "regctl" ? d.annotations?.[REF_NAME] === tag : d.annotations?.[OLAREG] === digest,
  );
  const old = index.manifests[at];
  const lines = (old && (await readManifest(layout, old.digest))?.manifests) ?? [];
  const list = await addBlob(layout, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: [...lines, line] });
  const annotations = program === "regctl" ? { [CREATED]: "2026-01-02T03:04:05Z", [REF_NAME]: tag } : { [OLAREG]: digest };
  index.manifests.splice(at === -1 ? index.manifests.length : at, at === -1 ? 0 : 1, { ...list, annotations });
  await writeIndex(layout, index);
  if (program === "olareg") return;
  const kept = await referencedBlobs(layout, { subjects: false });
  for (const blob of await blobsOf(layout)) if (!kept.has(blob)) await rm(blobPath(layout, blob));
}
