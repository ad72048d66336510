import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Finding, fileError, verifyLayout } from "@ocilot/referrers";
import { Layout } from "@ocilot/layout";
import { REF_NAME, blobPath, fixture } from "./layouts.js";
import { run } from "./tools.js";

/** The programs that are asked whether they take a layout. */
export const JUDGES = ["oras discover", "skopeo inspect --raw", "umoci stat"] as const;
export type Judge = (typeof JUDGES)[number];

/** What each program does with one tag of a layout. */
export type Verdicts = Readonly<Record<Judge, "takes" | "refuses">>;

/** Asks every program about one tag. */
export async function judge(dir: string, tag: string): Promise<Verdicts> {
  const word = async (outcome: Promise<{ code: number }>): Promise<"takes" | "refuses"> => ((await outcome).code === 0 ? "takes" : "refuses");
  return {
    "oras discover": await word(run("oras", ["discover", tag, "--oci-layout-path", dir, "--format", "json"])),
    "skopeo inspect --raw": await word(run("skopeo", ["inspect", "--raw", `oci:${dir}:${tag}`])),
    "umoci stat": await word(run("umoci", ["stat", "--json", "--image", `${dir}:${tag}`])),
  };
}

/** What `ocilot verify` finds, errors only. */
export async function ocilotErrors(dir: string): Promise<string[]> {
  let findings: readonly Finding[];
  try {
    ({ findings } = await verifyLayout(await Layout.open(dir)));
  } catch (error) {
    const found = fileError(error);
    if (found === undefined) return [(error as { code: string }).code];
    findings = [found];
  }
  return [...new Set(findings.flatMap((f) => (f.severity === "error" ? f.code : [])))].toSorted();
}

/** A copy of a fixture that bears one tag on an image without platforms, and its parts. */
export class Subject {
  readonly dir: string;
  readonly tag: string;

  constructor(name: string, tag: string, dir: string) {
    cpSync(fixture(name), dir, { recursive: true });
    this.dir = dir;
    this.tag = tag;
  }

  index(): { manifests: any[] } {
    return JSON.parse(readFileSync(join(this.dir, "index.json"), "utf8")) as { manifests: any[] };
  }

  editRoot(edit: (entry: any) => void): void {
    const index = this.index();
    edit(index.manifests.find((m) => m.annotations?.[REF_NAME] === this.tag));
    writeFileSync(join(this.dir, "index.json"), JSON.stringify(index));
  }

  root(): any {
    return this.index().manifests.find((m) => m.annotations?.[REF_NAME] === this.tag);
  }

  path(digest: string): string {
    return blobPath(this.dir, digest);
  }

  manifest(digest: string): any {
    return JSON.parse(readFileSync(this.path(digest), "utf8"));
  }
}

/** One way to damage the image under a tag. */
export const DAMAGES: Readonly<Record<string, (s: Subject) => void>> = {
  "the manifest is gone": (s) => rmSync(s.path(s.root().digest)),
  "a byte of the manifest is another": (s) => {
    const path = s.path(s.root().digest);
    writeFileSync(path, readFileSync(path, "utf8").replace('"schemaVersion": 2', '"schemaVersion": 3').replace('"schemaVersion":2', '"schemaVersion":3'));
  },
  "the manifest is cut": (s) => writeFileSync(s.path(s.root().digest), readFileSync(s.path(s.root().digest)).subarray(0, 100)),
  "the config is gone": (s) => rmSync(s.path(s.manifest(s.root().digest).config.digest)),
  "a byte of the config is another": (s) => {
    const path = s.path(s.manifest(s.root().digest).config.digest);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = bytes.at(-1) === 0x0a ? 0x20 : 0x0a;
    writeFileSync(path, bytes);
  },
  "a layer is gone": (s) => rmSync(s.path(s.manifest(s.root().digest).layers[0].digest)),
  "a byte of a layer is another": (s) => {
    const path = s.path(s.manifest(s.root().digest).layers[0].digest);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
  },
  "the entry states another size": (s) => s.editRoot((e) => e.size++),
  "the entry states another media type": (s) => s.editRoot((e) => (e.mediaType = "application/vnd.oci.image.index.v1+json")),
  "index.json is cut": (s) => writeFileSync(join(s.dir, "index.json"), readFileSync(join(s.dir, "index.json")).subarray(0, 60)),
  "index.json begins with a byte order mark": (s) => writeFileSync(join(s.dir, "index.json"), `\ufeff${readFileSync(join(s.dir, "index.json"), "utf8")}`),
  "index.json is gone": (s) => rmSync(join(s.dir, "index.json")),
  "oci-layout is gone": (s) => rmSync(join(s.dir, "oci-layout")),
  "oci-layout states version 2.0.0": (s) => writeFileSync(join(s.dir, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}'),
  "the blobs are in another folder": (s) => renameSync(join(s.dir, "blobs"), join(s.dir, "blob")),
  "the tag stands on two manifests": (s) => {
    const index = s.index();
    const root = s.root();
    const other = s.manifest(root.digest);
    writeFileSync(join(s.dir, "index.json"), JSON.stringify({ ...index, manifests: [...index.manifests, { ...other.config, annotations: root.annotations }] }));
  },
};
