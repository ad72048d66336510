import { CONTAINERD_SUBJECT, CREATED, type Descriptor, type Digest, IMAGE_SPEC_SUBJECT, OLAREG_SUBJECT, REF_NAME } from "@ocilot/layout";
import { type ReferrerEdge, ReferrerGraph, referrersTag } from "@ocilot/referrers";
import fc from "fast-check";
import { rawEntries } from "./index-text.js";
import { HUGE_NUMBER, LayoutBuilder, type ReferrerShape } from "./layout-builder.js";

/** The number of runs of a property test: `count`, or twenty times that with `OCILOT_LONG=1`. */
export function propertyRuns(everyday: number): number {
  return process.env["OCILOT_LONG"] === "1" ? everyday * 20 : everyday;
}

/** The ways in which a generated layout may record a referrer. */
export type RecordStyle = "oras" | "containerd" | "regclient" | "olareg" | "image-spec";
export const RECORD_STYLES: readonly RecordStyle[] = ["oras", "containerd", "regclient", "olareg", "image-spec"];
const LIST_STYLES = ["regclient", "olareg", "image-spec"] as const;

/** Kinds of entries that no conversion may change. */
const FOREIGN = [
  "unknown-blob",
  "decorated-image",
  "missing-image",
  "real-tag",
  "cosign-copy",
  "signature-tag",
  "annotation-only",
] as const;
type ForeignKind = (typeof FOREIGN)[number];

/** A layout as data, so that fast-check can shrink a failing one. */
export interface LayoutRecipe {
  readonly images: readonly {
    readonly platforms: number;
    readonly entry: "tagged" | "bare" | "full-name";
    readonly sha512: boolean;
    readonly present: boolean;
  }[];
  readonly referrers: readonly {
    /** Counts through images, platform manifests and earlier referrers, modulo their number. */
    readonly subject: number;
    readonly shape: ReferrerShape;
    readonly artifactType: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly tagged: boolean;
    /** Has an untagged entry with an unknown member and an unknown annotation. */
    readonly decorated: boolean;
    readonly sha512: boolean;
    readonly recordedBy: readonly RecordStyle[];
  }[];
  readonly foreign: readonly ForeignKind[];
  readonly order: readonly number[];
  readonly flag: boolean;
  readonly created: boolean;
  readonly style: { readonly indent: string; readonly end: string; readonly bare: boolean };
}

/** A built recipe, with facts that tests know without reading the layout. */
export interface BuiltLayout {
  readonly builder: LayoutBuilder;
  readonly links: readonly { readonly subject: Descriptor; readonly referrer: Descriptor }[];
  /** The text of each entry that every conversion must keep byte for byte, in order. */
  readonly foreign: readonly string[];
}

const text = fc.oneof(
  fc.constantFrom("v", "<a&b>", "\u2028", "\u{1F408}", "", 'q"\\', "\u0001", "é"),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);
const annotationKey = fc.constantFrom("org.example.tool", CREATED, "a", "Z", REF_NAME, "\u{1F408}", "￿", "10", "2");

const referrerRecipe = (styles: readonly RecordStyle[]): fc.Arbitrary<LayoutRecipe["referrers"][number]> =>
  fc.record({
    subject: fc.nat(20),
    shape: fc.constantFrom<ReferrerShape>("image", "image", "image", "index", "artifact"),
    artifactType: fc.constantFrom("application/spdx+json", "application/vnd.example.sig", "a/b"),
    annotations: fc.dictionary(annotationKey, text, { maxKeys: 3 }),
    tagged: fc.boolean(),
    decorated: fc.nat(5).map((n) => n === 0),
    sha512: fc.nat(5).map((n) => n === 0),
    recordedBy: fc.subarray([...styles]),
  });

/** Layouts as one tool or several in turn leave them; `styles` are the conventions whose records may occur. */
export function layoutRecipe(styles: readonly RecordStyle[] = RECORD_STYLES): fc.Arbitrary<LayoutRecipe> {
  return fc.record({
    images: fc.array(
      fc.record({
        platforms: fc.nat(2),
        entry: fc.constantFrom("tagged" as const, "tagged" as const, "bare" as const, "full-name" as const),
        sha512: fc.nat(4).map((n) => n === 0),
        present: fc.nat(4).map((n) => n > 0),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    referrers: fc.array(referrerRecipe(styles), { maxLength: 6 }),
    foreign: fc.subarray([...FOREIGN]),
    order: fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 }),
    flag: fc.boolean(),
    created: fc.boolean(),
    style: fc.record({ indent: fc.constantFrom("", "", "   ", "\t"), end: fc.constantFrom("", "\n"), bare: fc.boolean() }),
  });
}

/** Builds the layout of a recipe. */
export function buildLayout(recipe: LayoutRecipe): BuiltLayout {
  const builder = new LayoutBuilder();
  const steps: { add: () => void; foreign: boolean }[] = [];
  const subjects = addImages(builder, recipe, steps);
  const links = addReferrers(builder, recipe, subjects, steps);
  addLists(builder, recipe, links, steps);
  for (const kind of recipe.foreign) steps.push({ add: foreignEntry(builder, kind, subjects[0]!), foreign: true });
  const order = steps.map((step, i) => ({ step, key: recipe.order[i % recipe.order.length]! }));
  const foreignAt: number[] = [];
  for (const { step } of order.toSorted((a, b) => a.key - b.key)) {
    if (step.foreign) foreignAt.push(builder.entries.length);
    step.add();
  }
  builder.indent = recipe.style.indent;
  builder.end = recipe.style.end;
  if (recipe.style.bare) delete builder.members["mediaType"];
  builder.members["org.example.history"] = { b: HUGE_NUMBER, 10: [], 2: null };
  if (recipe.flag) builder.annotate({ "org.olareg.referrer.convert": "true", "org.example.note": "kept" });
  builder.tail["x-tail"] = [{ manifests: [] }];
  const raw = rawEntries(builder.text());
  return { builder, links: links.map(({ subject, referrer }) => ({ subject, referrer })), foreign: foreignAt.map((i) => raw[i]!) };
}

type Steps = { add: () => void; foreign: boolean }[];
type Link = { subject: Descriptor; referrer: Descriptor; recipe: LayoutRecipe["referrers"][number] };

/** Returns the images and platform manifests; all of them can be subjects. */
function addImages(builder: LayoutBuilder, recipe: LayoutRecipe, steps: Steps): Descriptor[] {
  const subjects: Descriptor[] = [];
  for (const [i, { platforms, entry, sha512, present }] of recipe.images.entries()) {
    const algorithm = sha512 ? "sha512" : "sha256";
    const children = Array.from({ length: platforms }, () => builder.image({ algorithm }));
    const platform = { architecture: "arm64", os: "linux" };
    const image =
      platforms === 0
        ? builder.image({ algorithm })
        : builder.imageIndex(
            children.map((c) => ({ ...c, platform })),
            { algorithm },
          );
    subjects.push(image);
    if (!present) {
      builder.forget(image);
      continue;
    }
    subjects.push(...children);
    const tag = entry === "tagged" ? { tag: `v${i}` } : entry === "full-name" ? { tag: `example.com/app:v${i}` } : {};
    steps.push({ add: () => builder.entry(image, tag), foreign: true });
  }
  return subjects;
}

function addReferrers(builder: LayoutBuilder, recipe: LayoutRecipe, images: readonly Descriptor[], steps: Steps): Link[] {
  const subjects = [...images];
  const links: Link[] = [];
  for (const [i, r] of recipe.referrers.entries()) {
    const subject = subjects[r.subject % subjects.length]!;
    const { shape, artifactType, annotations } = r;
    const referrer = builder.referrer(subject, { shape, artifactType, annotations, algorithm: r.sha512 ? "sha512" : "sha256" });
    subjects.push(referrer);
    links.push({ subject, referrer, recipe: r });
    if (r.tagged) steps.push({ add: () => builder.entry(referrer, { tag: `sbom${i}`, members: { "x-tagged": true } }), foreign: true });
    const mark = r.recordedBy.includes("containerd") ? { [CONTAINERD_SUBJECT]: subject.digest } : {};
    if (r.decorated) {
      const notes = { annotations: { "org.example.note": "kept", ...mark }, members: { "x-note": HUGE_NUMBER } };
      steps.push({ add: () => builder.entry(referrer, notes), foreign: false });
    } else if ((r.recordedBy.includes("oras") && !r.tagged) || r.recordedBy.includes("containerd")) {
      // oras keeps no untagged entry beside a tagged one of the same digest.
      steps.push({ add: () => listReferrer(builder, referrer, mark), foreign: false });
    }
  }
  return links;
}

/** The entry that oras writes, without the manifest's own `ref.name`, which must not become a tag. */
function listReferrer(builder: LayoutBuilder, referrer: Descriptor, mark: Readonly<Record<string, string>>): void {
  const { annotations = {}, artifactType } = builder.line(referrer) as { annotations?: Record<string, string>; artifactType: string };
  const { [REF_NAME]: _, ...manifestAnnotations } = annotations;
  builder.entry(referrer, { annotations: { ...manifestAnnotations, ...mark }, artifactType });
}

function addLists(builder: LayoutBuilder, recipe: LayoutRecipe, links: readonly Link[], steps: Steps): void {
  for (const style of LIST_STYLES) {
    const bySubject = new Map<Digest, Descriptor[]>();
    for (const { subject, referrer, recipe: r } of links) {
      if (r.recordedBy.includes(style)) bySubject.set(subject.digest, [...(bySubject.get(subject.digest) ?? []), referrer]);
    }
    for (const [subject, referrers] of bySubject) {
      const annotations = { ...listMark(style, subject), ...(recipe.created && { [CREATED]: "2026-01-01T00:00:00Z" }) };
      steps.push({ add: () => builder.entry(builder.list(referrers), { annotations }), foreign: false });
    }
  }
}

/** The annotation that identifies the list of a subject. */
export function listMark(style: (typeof LIST_STYLES)[number], subject: Digest): Record<string, string> {
  if (style === "regclient") return { [REF_NAME]: referrersTag(subject) };
  return { [style === "olareg" ? OLAREG_SUBJECT : IMAGE_SPEC_SUBJECT]: subject };
}

function foreignEntry(builder: LayoutBuilder, kind: ForeignKind, subject: Descriptor): () => void {
  const image = builder.image();
  const hex = image.digest.slice(7);
  const tag = (name: string): { tag: string } => ({ tag: name });
  switch (kind) {
    case "unknown-blob":
      return () => builder.entry(builder.blob("?", "application/x-unknown"), { members: { "x-unknown": HUGE_NUMBER, 10: 1, 2: 2 } });
    case "decorated-image":
      return () =>
        builder.entry(image, {
          annotations: { "10": "x", "2": "y" },
          platform: { os: "linux", architecture: "amd64", "os.features": ["a"], "x-p": 1 },
          members: { urls: ["https://example.com/<&>"], data: "bm90IGl0" },
        });
    case "missing-image":
      return () => builder.forget(image).entry(image, tag("gone"));
    case "real-tag":
      return () => builder.entry(image, tag(`sha256-${hex.replaceAll(/[0-9]/g, "a")}`));
    case "cosign-copy": {
      const index = builder.imageIndex([image]);
      return () => builder.entry(index, tag(index.digest.replace(":", "-")));
    }
    case "signature-tag":
      return () => builder.entry(image, tag(`${subject.digest.replace(":", "-")}.sig`));
    case "annotation-only":
      return () => builder.entry(image, { annotations: { [CONTAINERD_SUBJECT]: subject.digest } });
  }
}

/** The graph of all links of a layout, listed in it or not. */
export function graphOf({ builder, links }: BuiltLayout): ReferrerGraph {
  return new ReferrerGraph(
    links.map(({ subject, referrer }): ReferrerEdge => {
      const { annotations = {}, artifactType } = builder.line(referrer) as { annotations?: Record<string, string>; artifactType?: string };
      const { mediaType, digest, size } = referrer;
      return {
        subject: subject.digest,
        subjectDescriptor: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
        referrer: { mediaType, digest, size },
        link: "S",
        verified: true,
        ...(artifactType !== undefined && { artifactType }),
        annotations,
        evidence: [{ convention: "unlisted" }],
      };
    }),
  );
}
