import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Digest } from "@ocilot/layout";
import { makeLayout, makeLayoutWithBundle, makeLayoutWithSource } from "./made-layout.js";
import type { Operation } from "./operation.js";

/** A layout to begin with, and operations; in them a digest `$2` is what the third of them was about. */
export interface Script {
  readonly name: string;
  readonly prepare: (dir: string) => Promise<void>;
  readonly operations: readonly Operation[];
}

const SIGNATURE = "application/vnd.example.signature";
const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8" as Digest;
const CHILD = "sha256:cc14ed4494dc5b54f4422bb110157a230722aa62928e49cc05816049dc9e3b5d" as Digest;
/** What {@link makeLayout} makes. */
const FIRST = "sha256:a03677bd029eb78f28f6f0508e3f6dafdcc6f95d9b732213ef32198e1cdf478b" as Digest;
const ABSENT = `sha256:${"1".repeat(64)}` as Digest;

/** A copy of a fixture in `dir`. */
export function copyFixture(name: string, dir: string): void {
  cpSync(fixture(name), dir, { recursive: true });
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/layouts/${name}`, import.meta.url));
}

const onFixture = (name: string) => async (dir: string) => copyFixture(name, dir);

/** What the crash and the fault tests put layouts through. */
export const SCRIPTS: readonly Script[] = [
  {
    name: "a new layout",
    prepare: async (dir) => void (await makeLayout(dir)),
    operations: [
      { op: "tag", digest: FIRST, name: "v2" },
      { op: "attach", subject: "$0" as Digest, artifactType: SIGNATURE, text: "signed" },
      { op: "attach", subject: "$0" as Digest, artifactType: "application/spdx+json", text: "sbom" },
      { op: "attach", subject: "$2" as Digest, artifactType: SIGNATURE, annotations: { of: "sbom" } },
      { op: "attach", subject: ABSENT, artifactType: SIGNATURE, size: 321 },
      { op: "detach", digest: "$2" as Digest, recursive: true },
      { op: "convert", to: "oras", only: true },
      { op: "attach", subject: "$1" as Digest, artifactType: SIGNATURE, text: "countersigned" },
      { op: "untag", name: "v1" },
    ],
  },
  {
    name: "oras",
    prepare: onFixture("oras"),
    operations: [
      { op: "attach", subject: CHILD, artifactType: SIGNATURE, text: "of a platform" },
      { op: "convert", to: "olareg" },
      { op: "attach", subject: IMAGE, artifactType: SIGNATURE, text: "of the index" },
      { op: "convert", to: "regclient", only: true },
      { op: "detach", digest: "$0" as Digest },
      { op: "tag", digest: CHILD, name: "v1" },
      { op: "convert", to: "universal" },
      { op: "convert", to: "containerd", only: true },
    ],
  },
  {
    name: "olareg",
    prepare: onFixture("olareg"),
    operations: [
      { op: "attach", subject: IMAGE, artifactType: SIGNATURE, annotations: { who: "me" } },
      { op: "detach", digest: "$0" as Digest },
      { op: "convert", to: "universal", only: true },
      { op: "attach", subject: IMAGE, artifactType: SIGNATURE, annotations: { after: "$0" as Digest } },
    ],
  },
  {
    name: "regclient",
    prepare: onFixture("regclient"),
    operations: [
      { op: "attach", subject: CHILD, artifactType: SIGNATURE, text: "x" },
      { op: "untag", name: "v1" },
      { op: "convert", to: "oras" },
      { op: "convert", to: "image-spec", only: true },
    ],
  },
  {
    name: "copies",
    prepare: onFixture("umoci"),
    operations: [
      { op: "copy", from: fixture("oras"), reference: "v1", force: true },
      { op: "gc" },
      { op: "copy", from: fixture("regclient-then-oras") },
      { op: "detach", digest: "sha256:67e944231920e45ac41339ffb6dfcb92b12c33aa5e7497c3ba12eb0b53a6cad7" as Digest },
      { op: "attach", subject: ABSENT, artifactType: SIGNATURE, size: 321 },
      { op: "gc", prune: true },
      { op: "copy", from: fixture("cosign-tags"), reference: "v1", force: true },
    ],
  },
  {
    name: "bundles",
    prepare: makeLayoutWithBundle,
    operations: [
      { op: "unbundle", files: ["part-2.tar", "part-4.tar"] },
      { op: "unbundle", files: ["part-1.tar", "part-3.tar", "part-5.tar"] },
      { op: "unbundle", files: ["part-1.tar"] },
    ],
  },
  {
    name: "a copy of large blobs",
    prepare: makeLayoutWithSource,
    operations: [{ op: "copy", from: "source", reference: "large" }],
  },
];
