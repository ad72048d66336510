import { OcilotError, isOcilotError } from "./errors.js";
import { REF_NAME } from "./spec/annotations.js";
import { type Descriptor, parseDescriptor } from "./spec/descriptor.js";
import type { Digest } from "./spec/digest.js";
import { MemberNames, isRecord, stringMap } from "./spec/guards.js";
import { type JsonQuirk, decodeText, readJson } from "./spec/json.js";
import { Sharing } from "./spec/sharing.js";

/** The name of the file, and the word for it in messages. */
export const INDEX_FILE = "index.json";

const INDEX_MEMBERS: MemberNames = new MemberNames(["manifests", "annotations"]);
const ENTRY_MEMBERS: MemberNames = new MemberNames(["mediaType", "digest", "size", "annotations"]);

/** An entry of `index.json`. `position` counts from 0 and is how edits and evidence name it. */
export interface IndexEntry {
  readonly position: number;
  readonly descriptor: Descriptor;
  /** The value of `org.opencontainers.image.ref.name`; an empty one counts as absent. */
  readonly tag?: string;
}

/** `index.json` as it was at one moment. `digest` is the sha256 of its bytes. */
export interface IndexSnapshot {
  readonly digest: Digest;
  /** The document as it is, to the byte. */
  readonly bytes: Uint8Array;
  /** Decoded anew each time: only an edit looks at it. */
  readonly text: string;
  readonly entries: readonly IndexEntry[];
  readonly annotations: Readonly<Record<string, string>>;
  /** What makes an edit unsafe; an index with quirks is read and never written. */
  readonly quirks: readonly JsonQuirk[];
}

/**
 * Parses `index.json`. A missing or null `manifests`, `mediaType` or `schemaVersion` is accepted, as every tool does.
 * @throws OcilotError `LAYOUT_INVALID`, `LIMIT_EXCEEDED`
 */
export function parseIndex(bytes: Uint8Array, digest: Digest): IndexSnapshot {
  try {
    const { value, quirks } = readJson(bytes, INDEX_FILE);
    if (!isRecord(value)) throw invalid("$", "is not an object");
    const manifests = value["manifests"] ?? [];
    if (!Array.isArray(manifests)) throw invalid("$.manifests", "is not an array");
    const oddity = misspelled(value, manifests);
    const annotations = stringMap(value["annotations"] ?? {}, (reason) => invalid("$.annotations", reason));
    const sharing = new Sharing();
    const entries = manifests.map((entry, position) => toEntry(entry, position, sharing));
    return {
      digest,
      bytes,
      get text() {
        return decodeText(bytes);
      },
      entries,
      annotations,
      quirks: oddity === undefined ? quirks : [...quirks, oddity],
    };
  } catch (error) {
    if (isOcilotError(error, "DOCUMENT_INVALID", "DESCRIPTOR_INVALID", "DIGEST_INVALID")) {
      const path = error.details.path;
      throw new OcilotError(
        "LAYOUT_INVALID",
        error.message.startsWith(INDEX_FILE) ? error.message : `${INDEX_FILE}: ${error.message}`,
        { file: INDEX_FILE, ...(path !== undefined && { path }), reason: error.message },
        { hint: "Restore index.json from the source of the layout; ocilot writes nothing until it can be read.", cause: error },
      );
    }
    throw error;
  }
}

function toEntry(value: unknown, position: number, sharing: Sharing): IndexEntry {
  const descriptor: { -readonly [Member in keyof Descriptor]: Descriptor[Member] } = parseDescriptor(value, `$.manifests[${position}]`);
  descriptor.mediaType = sharing.text(descriptor.mediaType);
  if (descriptor.artifactType) descriptor.artifactType = sharing.text(descriptor.artifactType);
  const tag = descriptor.annotations?.[REF_NAME];
  return tag ? { position, descriptor, tag } : { position, descriptor };
}

function misspelled(index: Record<string, unknown>, manifests: readonly unknown[]): JsonQuirk | undefined {
  for (const value of [index, ...manifests]) {
    const key = isRecord(value) ? (value === index ? INDEX_MEMBERS : ENTRY_MEMBERS).misspelledIn(value) : undefined;
    if (key !== undefined) {
      return { kind: "misspelled-member", message: `the member ${JSON.stringify(key)} counts for other tools as if it were spelled right` };
    }
  }
  return undefined;
}

function invalid(path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${INDEX_FILE}: ${path} ${reason}`, { document: INDEX_FILE, path, reason });
}
