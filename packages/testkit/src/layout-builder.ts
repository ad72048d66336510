import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type Algorithm,
  ARTIFACT_MANIFEST,
  type Descriptor,
  type Digest,
  EMPTY_JSON,
  IMAGE_CONFIG,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  Layout,
  ORAS_ARTIFACT_MANIFEST,
  REF_NAME,
  blobPath,
  digestOf,
  memoryBackend,
} from "@ocilot/layout";

const MARKER = '{"imageLayoutVersion":"1.0.0"}';
/** A number beyond 2^53; it appears unrounded in the text of a built layout. */
export const HUGE_NUMBER = "9007199254740993123";

/** Optional members of a built manifest. */
export interface ManifestOptions {
  annotations?: Readonly<Record<string, string>>;
  algorithm?: Algorithm;
  mediaType?: string;
  /** Additional members of the manifest, or other values for its members. */
  members?: Readonly<Record<string, unknown>>;
}

/** The kind of manifest that a referrer is. */
export type ReferrerShape = "image" | "index" | "artifact" | "oras-artifact";

export interface ReferrerOptions extends ManifestOptions {
  artifactType?: string;
  shape?: ReferrerShape;
}

/** Members of an entry of `index.json` besides media type, digest and size; unknown members are allowed. */
export interface EntryOptions {
  tag?: string;
  annotations?: Readonly<Record<string, string>>;
  artifactType?: string;
  platform?: Readonly<Record<string, unknown>>;
  members?: Readonly<Record<string, unknown>>;
}

/**
 * Builds layouts for tests, valid and broken ones. Every manifest is written directly from the specification, without any
 * code under test.
 */
export class LayoutBuilder {
  readonly blobs: Map<Digest, Uint8Array> = new Map();
  readonly entries: Record<string, unknown>[] = [];
  readonly members: Record<string, unknown> = { schemaVersion: 2, mediaType: IMAGE_INDEX };
  /** Members after `manifests`. */
  readonly tail: Record<string, unknown> = {};
  /** Indentation as in `JSON.stringify`; the empty string for compact. */
  indent = "";
  end = "";
  #count = 0;

  blob(content: string | Uint8Array, mediaType = "application/octet-stream", algorithm: Algorithm = "sha256"): Descriptor {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const digest = digestOf(bytes, algorithm);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Any JSON document as a blob, indented by two spaces so that it differs from what a re-marshalling tool would write. */
  document(json: unknown, mediaType: string, algorithm: Algorithm = "sha256"): Descriptor {
    return this.blob(JSON.stringify(json, null, 2), mediaType, algorithm);
  }

  /** A small image manifest; each call gives a different one. */
  image(options: ManifestOptions & { subject?: Descriptor } = {}): Descriptor {
    const { algorithm = "sha256", mediaType = IMAGE_MANIFEST, annotations, subject, members } = options;
    const config = this.blob(JSON.stringify({ architecture: "amd64", os: "linux", no: this.#count++ }), IMAGE_CONFIG, algorithm);
    const layer = this.blob(`layer ${this.#count}`, "application/vnd.oci.image.layer.v1.tar", algorithm);
    return this.document(
      {
        schemaVersion: 2,
        mediaType,
        config,
        layers: [layer],
        ...(subject && { subject }),
        ...(annotations && { annotations }),
        ...members,
      },
      mediaType,
      algorithm,
    );
  }

  /** An image index of these children. */
  imageIndex(children: readonly unknown[], options: ManifestOptions & { subject?: Descriptor; artifactType?: string } = {}): Descriptor {
    const { algorithm = "sha256", mediaType = IMAGE_INDEX, annotations, subject, artifactType, members } = options;
    return this.document(
      {
        schemaVersion: 2,
        mediaType,
        ...(artifactType !== undefined && { artifactType }),
        manifests: children,
        ...(subject && { subject }),
        ...(annotations && { annotations }),
        ...members,
      },
      mediaType,
      algorithm,
    );
  }

  /** A referrer of `subject`; each call gives a different one. */
  referrer(subject: Descriptor, options: ReferrerOptions = {}): Descriptor {
    const { algorithm = "sha256", shape = "image", artifactType = "application/vnd.example.sbom", annotations, members } = options;
    const link = { mediaType: subject.mediaType, digest: subject.digest, size: subject.size };
    const notes = annotations && { annotations };
    const layer = this.blob(`artifact ${this.#count++}`, "text/plain", algorithm);
    if (shape === "index") {
      const child = this.image({ algorithm });
      return this.imageIndex([child], { subject: link, algorithm, artifactType, ...notes, ...(members && { members }) });
    }
    if (shape === "image") {
      const config = this.blob("{}", EMPTY_JSON, algorithm);
      return this.document(
        { schemaVersion: 2, mediaType: IMAGE_MANIFEST, artifactType, config, layers: [layer], subject: link, ...notes, ...members },
        IMAGE_MANIFEST,
        algorithm,
      );
    }
    const mediaType = shape === "artifact" ? ARTIFACT_MANIFEST : ORAS_ARTIFACT_MANIFEST;
    return this.document({ mediaType, artifactType, blobs: [layer], subject: link, ...notes, ...members }, mediaType, algorithm);
  }

  /** The descriptor that a registry would return in a referrers response for a manifest of this builder. */
  line(referrer: Descriptor): Record<string, unknown> {
    const manifest = JSON.parse(new TextDecoder().decode(this.blobs.get(referrer.digest))) as Record<string, any>;
    const artifactType = manifest["artifactType"] || (referrer.mediaType === IMAGE_MANIFEST ? manifest["config"]?.mediaType : undefined);
    const keys = Object.keys(manifest["annotations"] ?? {}).toSorted();
    return {
      mediaType: referrer.mediaType,
      digest: referrer.digest,
      size: referrer.size,
      ...(keys.length > 0 && { annotations: Object.fromEntries(keys.map((key) => [key, manifest["annotations"][key]])) }),
      ...(artifactType && { artifactType }),
    };
  }

  /** A referrers response: exact descriptors for manifests of this builder, or the given descriptors unchanged. */
  list(lines: readonly (Descriptor | Record<string, unknown>)[], options: { exact?: boolean } = {}): Descriptor {
    const manifests = options.exact === false ? lines : lines.map((line) => this.line(line as Descriptor));
    return this.blob(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests }), IMAGE_INDEX);
  }

  /** Adds an entry of `index.json`. */
  entry(d: Descriptor, options: EntryOptions = {}): this {
    const { tag, annotations, artifactType, platform, members } = options;
    const notes = { ...annotations, ...(tag !== undefined && { [REF_NAME]: tag }) };
    this.entries.push({
      mediaType: d.mediaType,
      digest: d.digest,
      size: d.size,
      ...(Object.keys(notes).length > 0 && { annotations: notes }),
      ...(platform && { platform }),
      ...(artifactType !== undefined && { artifactType }),
      ...members,
    });
    return this;
  }

  /** Adds the entry that oras writes for a referrer. */
  listed(referrer: Descriptor, marks: Readonly<Record<string, string>> = {}): this {
    const line = this.line(referrer);
    const annotations = { ...(line["annotations"] as Record<string, string> | undefined), ...marks };
    return this.entry(referrer, {
      annotations,
      ...(line["artifactType"] !== undefined && { artifactType: line["artifactType"] as string }),
    });
  }

  /** Annotations of `index.json` itself. */
  annotate(annotations: Readonly<Record<string, string>>): this {
    this.tail["annotations"] = { ...(this.tail["annotations"] as object | undefined), ...annotations };
    return this;
  }

  /** Removes a blob, which makes the layout sparse. */
  forget(d: Descriptor): this {
    this.blobs.delete(d.digest);
    return this;
  }

  /** The text of `index.json`. */
  text(): string {
    const index = { ...this.members, manifests: this.entries, ...this.tail };
    return JSON.stringify(index, null, this.indent).replaceAll(`"${HUGE_NUMBER}"`, HUGE_NUMBER) + this.end;
  }

  /** The layout in memory. */
  layout(): Layout {
    return new Layout(memoryBackend(this.text(), this.blobs));
  }

  /** Writes the layout to a directory and opens it, without fsync. */
  async directory(path: string): Promise<Layout> {
    writeLayout(path, this.text(), this.blobs);
    return await Layout.open(path, { sync: false });
  }
}

/** Writes a layout directory from its parts. */
export function writeLayout(path: string, index: string, blobs: Iterable<readonly [Digest, Uint8Array]>, marker: string = MARKER): void {
  mkdirSync(join(path, "blobs", "sha256"), { recursive: true });
  for (const [digest, bytes] of blobs) {
    const file = join(path, blobPath(digest));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  writeFileSync(join(path, "index.json"), index);
  writeFileSync(join(path, "oci-layout"), marker);
}

/** Copies a layout directory and opens the copy. */
export async function copyLayout(from: string, to: string): Promise<Layout> {
  cpSync(from, to, { recursive: true });
  return await Layout.open(to, { sync: false });
}
