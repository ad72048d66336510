import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  const word = async (outcome: Promise<{ code: number }>): Promise<"takes" | "refuses"> =>
    (await outcome).code === 0 ? "takes" : "refuses";
  return {
    "oras discover": await word(run("oras", ["discover", tag, "--oci-layout-path", dir, "--format", "json"])),
    "skopeo inspect --raw": await word(run("skopeo", ["inspect", "--raw", `oci:${dir}:${tag}`])),
    "umoci stat": await word(run("umoci", ["stat", "--json", "--image", `${dir}:${tag}`])),
  };
}

/** What `ocilot verify` finds, without mere notes. */
export async function ocilotCodes(dir: string): Promise<string[]> {
  let findings: readonly Finding[];
  try {
    ({ findings } = await verifyLayout(await Layout.open(dir)));
  } catch (error) {
    const found = fileError(error);
    if (found === undefined) return [(error as { code: string }).code];
    findings = [found];
  }
  return [...new Set(findings.flatMap((f) => (f.severity === "info" ? [] : f.code)))].toSorted();
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
    return JSON.parse(this.indexText()) as { manifests: any[] };
  }

  indexText(): string {
    return readFileSync(join(this.dir, "index.json"), "utf8");
  }

  writeIndex(text: string): void {
    writeFileSync(join(this.dir, "index.json"), text);
  }

  editRoot(edit: (entry: any) => void): void {
    const index = this.index();
    edit(index.manifests.find((m) => m.annotations?.[REF_NAME] === this.tag));
    this.writeIndex(JSON.stringify(index));
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

/** A damage, and what each program does then: the agreement that `verify.test.ts` measures and docs/findings.md shows. */
export interface Damage {
  readonly name: string;
  readonly ocilot: string;
  /** Of oras discover, skopeo inspect --raw, umoci stat: who refuses. */
  readonly refuse: string;
  /** Why a program takes what ocilot reports. */
  readonly why: string;
  readonly apply: (s: Subject) => void;
}

const LAZY = "the others do not open it";

/** One way after the other to damage the image under a tag. */
export const DAMAGES: readonly Damage[] = [
  {
    name: "the manifest is gone",
    ocilot: "BLOB_MISSING",
    refuse: "skopeo umoci",
    why: "oras passes over what is missing, so that sparse layouts open",
    apply: (s) => rmSync(s.path(s.root().digest)),
  },
  {
    name: "a byte of the manifest is another",
    ocilot: "BLOB_CORRUPT",
    refuse: "oras umoci",
    why: "skopeo inspect --raw prints the bytes without a look at their digest",
    apply: (s) => {
      const path = s.path(s.root().digest);
      writeFileSync(path, readFileSync(path, "utf8").replace(/"schemaVersion":(\s*)2/, '"schemaVersion":$13'));
    },
  },
  {
    name: "the manifest is cut",
    ocilot: "BLOB_CORRUPT",
    refuse: "oras umoci",
    why: "as above",
    apply: (s) => writeFileSync(s.path(s.root().digest), readFileSync(s.path(s.root().digest)).subarray(0, 100)),
  },
  {
    name: "the config is gone",
    ocilot: "BLOB_MISSING",
    refuse: "umoci",
    why: LAZY,
    apply: (s) => rmSync(s.path(s.manifest(s.root().digest).config.digest)),
  },
  {
    name: "a byte of the config is another",
    ocilot: "BLOB_CORRUPT",
    refuse: "umoci",
    why: LAZY,
    apply: (s) => {
      const path = s.path(s.manifest(s.root().digest).config.digest);
      const bytes = readFileSync(path);
      bytes[bytes.length - 1] = bytes.at(-1) === 0x0a ? 0x20 : 0x0a;
      writeFileSync(path, bytes);
    },
  },
  {
    name: "a layer is gone",
    ocilot: "BLOB_MISSING",
    refuse: "",
    why: "nobody opens a layer before it is used",
    apply: (s) => rmSync(s.path(s.manifest(s.root().digest).layers[0].digest)),
  },
  {
    name: "a byte of a layer is another",
    ocilot: "BLOB_CORRUPT",
    refuse: "",
    why: "nobody opens a layer before it is used",
    apply: (s) => {
      const path = s.path(s.manifest(s.root().digest).layers[0].digest);
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(path, bytes);
    },
  },
  {
    name: "the entry states another size",
    ocilot: "SIZE_MISMATCH",
    refuse: "oras umoci",
    why: "skopeo does not compare sizes",
    apply: (s) => s.editRoot((e) => e.size++),
  },
  {
    name: "the entry states another media type",
    ocilot: "MEDIA_TYPE_MISMATCH",
    refuse: "umoci",
    why: "oras and skopeo believe the entry",
    apply: (s) => s.editRoot((e) => (e.mediaType = "application/vnd.oci.image.index.v1+json")),
  },
  {
    name: "index.json is cut",
    ocilot: "UNREADABLE",
    refuse: "oras skopeo umoci",
    why: "",
    apply: (s) => s.writeIndex(s.indexText().slice(0, 60)),
  },
  {
    name: "index.json begins with a byte order mark",
    ocilot: "UNREADABLE",
    refuse: "oras skopeo umoci",
    why: "",
    apply: (s) => s.writeIndex(`\ufeff${s.indexText()}`),
  },
  {
    name: "index.json is gone",
    ocilot: "NOT_A_LAYOUT",
    refuse: "oras skopeo umoci",
    why: "",
    apply: (s) => rmSync(join(s.dir, "index.json")),
  },
  {
    name: "oci-layout is gone",
    ocilot: "LAYOUT_FORM",
    refuse: "oras umoci",
    why: "skopeo does not look at it; for ocilot it is a warning, as index.json decides what a layout is",
    apply: (s) => rmSync(join(s.dir, "oci-layout")),
  },
  {
    name: "oci-layout states version 2.0.0",
    ocilot: "LAYOUT_VERSION",
    refuse: "oras umoci",
    why: "skopeo does not look at it; for ocilot it is a warning, as it reads such a layout and does not write it",
    apply: (s) => writeFileSync(join(s.dir, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}'),
  },
  {
    name: "blobs/ is gone",
    ocilot: "BLOB_MISSING",
    refuse: "skopeo umoci",
    why: "oras passes over what is missing",
    apply: (s) => rmSync(join(s.dir, "blobs"), { recursive: true }),
  },
  {
    name: "the tag stands on two entries",
    ocilot: "TAG_DUPLICATE",
    refuse: "oras",
    why: "skopeo and umoci take the first; oras takes the last, here a config, which it cannot discover; for ocilot it is a warning",
    apply: (s) => {
      const index = s.index();
      const { annotations, digest } = s.root();
      s.writeIndex(JSON.stringify({ ...index, manifests: [...index.manifests, { ...s.manifest(digest).config, annotations }] }));
    },
  },
];

/** The table of docs/findings.md. */
export function agreementTable(): string {
  const rows = DAMAGES.map((d) => {
    const cells = ["oras", "skopeo", "umoci"].map((tool) => (d.refuse.includes(tool) ? "refuses" : "takes"));
    return `| ${[d.name, `\`${d.ocilot}\``, ...cells, d.why].join(" | ")} |`;
  });
  return [
    "| fault | ocilot verify | oras discover | skopeo inspect --raw | umoci stat | why they differ |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
