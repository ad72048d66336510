import {
  ARTIFACT_MANIFEST,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  type Digest,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  Layout,
  type Manifest,
  ORAS_ARTIFACT_MANIFEST,
  blobPath,
  digestOf,
  editIndex,
  isDigest,
  memoryBackend,
  parseDigest,
  parseIndex,
  parseManifest,
  resolveReference,
  sniffManifest,
} from "@ocilot/layout";
import {
  STATEMENT_KINDS,
  checkPolicy,
  checkPolicyJson,
  convert,
  documentName,
  guessContent,
  makeReceipt,
  matchesGlob,
  openStatements,
  parsePolicy,
  parseReceipt,
  parseRequire,
  receiptText,
  verifyLayout,
} from "@ocilot/referrers";
import { fixtureParts } from "@ocilot/testkit";
import type { ArchiveFile } from "../../packages/layout/src/archive/archive-file.js";
import { filesOf } from "../../packages/layout/src/archive/members.js";
import { extentsOf } from "../../packages/layout/src/archive/contents.js";
import { scanMembers } from "../../packages/layout/src/archive/scan.js";
import { parseReference } from "../../packages/layout/src/reference.js";
import { corpus, documents, encode, fixtures, indexes, manifests, statements, tars, text } from "./inputs.js";
import { mutateBytes, mutateTar } from "./mutate.js";
import type { Prng } from "./prng.js";

/** Something that takes bytes from outside. */
export interface Target {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** How an input comes about: bytes changed unless told. */
  readonly mutate?: (seed: Uint8Array, other: Uint8Array, rng: Prng) => Uint8Array;
  /** Takes an input. It may throw an `OcilotError`; anything else it throws is a finding. Returns whether it took it. */
  readonly run: (input: Uint8Array) => void | Promise<void>;
  /** Inputs for each thousand of all: what is slow gets fewer. */
  readonly share: number;
}

const TYPES = [IMAGE_MANIFEST, IMAGE_INDEX, ARTIFACT_MANIFEST, ORAS_ARTIFACT_MANIFEST, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST];
const NO_DIGEST = digestOf(encode(""));
const SAFE_PATH = /^blobs\/[a-z0-9+._-]+\/[A-Za-z0-9=_-]+$/;
const ORAS = fixtureParts("layouts/oras");
const SNAPSHOT = parseIndex(encode(ORAS.text), NO_DIGEST);
const BLOBS = new Layout(memoryBackend(ORAS.text, ORAS.blobs)).blobs;

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}

const STATEMENTS = statements();
let turn = 0;

export const TARGETS: readonly Target[] = [
  {
    name: "digest",
    share: 440,
    seeds: corpus("digest"),
    run: (input) => {
      const value = text(input);
      const known = isDigest(value);
      if (known) check(SAFE_PATH.test(blobPath(value)) && !blobPath(value).includes(".."), `the path of ${value}`);
      check(parseDigest(value) === value && known, "isDigest and parseDigest agree");
    },
  },
  {
    name: "reference",
    share: 200,
    seeds: corpus("reference"),
    run: async (input) => void (await resolveReference(SNAPSHOT, BLOBS, text(input))),
  },
  {
    name: "command line reference",
    share: 10,
    seeds: corpus("reference"),
    run: (input) => {
      const { path, rest } = parseReference(text(input).replaceAll("\0", ""));
      check(typeof path === "string" && typeof rest === "string", "a reference has two parts");
    },
  },
  {
    name: "require",
    share: 150,
    seeds: corpus("require"),
    run: (input) => {
      const rule = parseRequire(text(input)).require[0];
      if (rule !== undefined) matchesGlob("application/vnd.example.signature.v1+json", rule.artifactType ?? rule.predicateType ?? "");
    },
  },
  {
    name: "statement",
    share: 60,
    seeds: STATEMENTS.map((s) => s.bytes),
    mutate: documents,
    run: async (input) => {
      // Each input is a layer under every media type that makes a reader look into it.
      turn++;
      const { mediaType, artifactType } = STATEMENTS[turn % STATEMENTS.length]!;
      guessContent(input);
      const layer = { mediaType, digest: digestOf(input), size: input.length };
      const manifest: Manifest = {
        kind: "image",
        mediaType: IMAGE_MANIFEST,
        artifactType,
        annotations: {},
        layers: [layer],
        manifests: [],
        ignored: [],
      };
      const blobs = { bytes: async (): Promise<Uint8Array> => input, head: async (): Promise<Uint8Array> => input };
      const [statement] = await openStatements(manifest, blobs, { subject: NO_DIGEST });
      check(statement !== undefined && STATEMENT_KINDS.includes(statement.kind), "there is a statement of some kind");
      check(/^[a-z-]+(\.[A-Za-z0-9_-][A-Za-z0-9._-]*)?$/.test(documentName(statement!)), "its name is safe");
    },
  },
  {
    name: "policy",
    share: 60,
    seeds: corpus("policy"),
    mutate: documents,
    run: (input) => {
      const policy = parsePolicy(input, "policy");
      check(JSON.stringify(checkPolicyJson({ version: 1, ...policy })) === JSON.stringify(policy), "a policy that is read says itself");
    },
  },
  {
    name: "receipt",
    share: 30,
    seeds: corpus("receipt"),
    mutate: documents,
    run: (input) => void parseReceipt(encode(receiptText(parseReceipt(input, "receipt"))), "again"),
  },
  {
    name: "manifest",
    share: 60,
    seeds: [...manifests, ...corpus("manifest")],
    mutate: documents,
    run: (input) => {
      const sniffed = sniffManifest(input);
      const type = sniffed.includes("vnd.") && turn++ % 4 !== 0 ? sniffed : TYPES[turn % TYPES.length]!;
      const m = parseManifest(input, type, "manifest");
      const all = [m.config, m.subject, ...m.layers, ...m.manifests];
      check(
        all.every((d) => d === undefined || (isDigest(d.digest) && Number.isSafeInteger(d.size))),
        "every descriptor is one",
      );
    },
  },
  {
    name: "index.json",
    share: 40,
    seeds: [...indexes, ...corpus("index")],
    mutate: documents,
    run: (input) => {
      const base = parseIndex(input, NO_DIGEST);
      const descriptor = { mediaType: IMAGE_MANIFEST, digest: NO_DIGEST, size: 0, annotations: { k: "v" } };
      const edited = editIndex(base, [{ op: "insert", before: base.entries.length, descriptor }]);
      check(parseIndex(encode(edited), NO_DIGEST).entries.length === base.entries.length + 1, "an edit adds one entry");
    },
  },
  {
    name: "tar",
    share: 9,
    seeds: tars(),
    mutate: (seed, other, rng) => (rng.once(4) ? mutateBytes(seed, other, rng) : mutateTar(seed, rng)),
    run: async (input) => {
      const read = (offset: number, length: number): Buffer => Buffer.from(input.subarray(offset, offset + length));
      const file = { location: "tar", size: input.length, read } as unknown as ArchiveFile;
      const { members } = await scanMembers(file, { maxMembers: 1000 });
      for (const [name, content] of await filesOf("tar", members)) {
        check(!name.split("/").includes("..") && !name.startsWith("/"), `the name ${name}`);
        check(
          extentsOf(content).every((e) => e.offset + e.size <= input.length),
          `${name} lies within the archive`,
        );
      }
    },
  },
  {
    name: "layout",
    share: 1,
    seeds: [...indexes, ...manifests],
    mutate: documents,
    run: async (input) => await wholeLayout(input),
  },
];

/** A whole layout with one document changed, its digest put right, through verification, policy, receipt and conversion. */
async function wholeLayout(input: Uint8Array): Promise<void> {
  const parts = fixtures[turn++ % fixtures.length]!;
  const isIndex = turn % 2 === 0;
  const type = sniffManifest(input);
  const digest = digestOf(input);
  const entry = { mediaType: type, digest, size: input.length, annotations: { "org.opencontainers.image.ref.name": "fuzz" } };
  const index = isIndex
    ? text(input)
    : JSON.stringify({
        schemaVersion: 2,
        manifests: [...((JSON.parse(parts.text) as { manifests: object[] | null }).manifests ?? []), entry],
      });
  const blobs = new Map<Digest, Uint8Array>([...parts.blobs, [digest, input]]);
  const layout = new Layout(memoryBackend(index, blobs));
  const { evidence } = await verifyLayout(layout, { workers: 0 });
  if (evidence === undefined) return;
  await checkPolicy(
    evidence,
    {
      require: [{ artifactType: "*", annotations: {}, scope: "all", min: 1 }],
      noDangling: true,
      digestAlgorithms: ["sha256"],
      tools: ["oras", "zot", "buildx"],
    },
    "x",
  );
  parseReceipt(encode(receiptText(await makeReceipt(evidence))), "receipt");
  await convert(layout, { to: "universal", scan: true });
}
