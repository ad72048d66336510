import { OcilotError, isOcilotError } from "../errors.js";
import { REF_NAME } from "./annotations.js";
import { type Descriptor, isPlainDescriptor, parseDescriptor } from "./descriptor.js";
import type { Digest } from "./digest.js";
import { readAsGo } from "./go-reading.js";
import { DESCRIPTOR_NAMES } from "./descriptor-names.js";
import { MemberNames, isRecord, stringMap } from "./guards.js";
import { type JsonQuirk, decodeText, readJson } from "./json.js";
import { isSchemaVersion } from "./manifest-members.js";
import { ValuePool } from "./value-pool.js";

/** The name of the index file. */
export const INDEX_FILE = "index.json";
/** The largest `index.json` that is read, in bytes: ten times the largest known one. A much larger document does not fit into one string. */
export const MAX_INDEX_BYTES: number = 256 * 1024 * 1024;

const READ_MEMBERS: readonly string[] = ["schemaVersion", "mediaType", "manifests", "annotations"];
const READ: MemberNames = new MemberNames(READ_MEMBERS);
const INDEX_MEMBERS: MemberNames = new MemberNames([...READ_MEMBERS, "artifactType", "subject"]);
const PLATFORM_MEMBERS: MemberNames = new MemberNames(["architecture", "os", "os.version", "os.features", "variant"]);

/** An entry of `index.json`. `position` counts from 0; edits and evidence refer to it. */
export interface IndexEntry {
  readonly position: number;
  readonly descriptor: Descriptor;
  /** The value of `org.opencontainers.image.ref.name`; an empty one counts as absent. */
  readonly tag?: string;
  /** Which answer of a registry named the manifest. Only in the index of a repository, which is made from several answers. */
  readonly origin?: EntryOrigin;
}

/** Where a registry names a manifest. */
export interface EntryOrigin {
  /** The Referrers API, the list under a referrers tag, or a tag of its own. */
  readonly by: "referrers-api" | "referrers-tag" | "tag";
  /** The subject, as the registry says. */
  readonly subject?: Digest;
}

/** The content of `index.json` at one time. `digest` is the sha256 of its bytes. */
export interface IndexSnapshot {
  readonly digest: Digest;
  /** The bytes of the document. */
  readonly bytes: Uint8Array;
  /** The text of the document, decoded on each call: only edits need it. */
  readonly text: string;
  readonly entries: readonly IndexEntry[];
  readonly annotations: Readonly<Record<string, string>>;
  /** What makes an edit unsafe. An index with quirks is read and never written. */
  readonly quirks: readonly JsonQuirk[];
  /**
   * Members that the specification does not describe, an `artifactType` and a `subject`; absent where there are none. An edit keeps them.
   * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/considerations.md#extensibility
   */
  readonly otherMembers?: Readonly<Record<string, unknown>>;
}

/**
 * Parses `index.json`. A missing or null `manifests`, `mediaType` or `schemaVersion` is accepted, as all tools do; a member that is
 * spelled in other letters or occurs twice is read as tools in Go read it, and is a quirk.
 * @throws OcilotError `LAYOUT_INVALID`, `LIMIT_EXCEEDED`
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { digestOf, parseIndex } from "@ocilot/layout";
 *
 * const bytes = await readFile("./layout/index.json");
 * for (const { tag, descriptor } of parseIndex(bytes, digestOf(bytes)).entries) console.log(tag, descriptor.digest);
 * ```
 */
export function parseIndex(bytes: Uint8Array, digest: Digest): IndexSnapshot {
  try {
    const { text, value: plain, quirks } = readJson(bytes, INDEX_FILE);
    if (!isRecord(plain)) throw invalid("$", "is not an object");
    const odd = misspelled(plain);
    // What other tools find in it is there: an entry that only they see must not be lost.
    const isReadOtherwise = odd !== undefined || quirks.some((q) => q.kind === "duplicate-key");
    const value = isReadOtherwise ? (readAsGo(text, INDEX_FILE) as Record<string, unknown>) : plain;
    const manifests = value["manifests"] ?? [];
    if (!Array.isArray(manifests)) throw invalid("$.manifests", "is not an array");
    const oddity = odd ?? oddVersion(value["schemaVersion"]);
    const annotations = stringMap(value["annotations"] ?? {}, (reason) => invalid("$.annotations", reason));
    const sharing = new ValuePool();
    const entries = manifests.map((entry, position) => toEntry(entry, position, sharing));
    const otherMembers = READ.othersIn(plain);
    return snapshotOf(bytes, {
      digest,
      entries,
      annotations,
      quirks: oddity === undefined ? quirks : [...quirks, oddity],
      ...(otherMembers && { otherMembers }),
    });
  } catch (error) {
    if (isOcilotError(error, "DOCUMENT_INVALID", "DESCRIPTOR_INVALID", "DIGEST_INVALID")) {
      const path = error.details.path;
      throw new OcilotError(
        "LAYOUT_INVALID",
        error.message.startsWith(INDEX_FILE) ? error.message : `${INDEX_FILE}: ${error.message}`,
        { file: INDEX_FILE, ...(path !== undefined && { path }), reason: error.message },
        {
          hint: "Take that of another copy, as ocilot writes nothing until it can be read: cp OTHER/index.json LAYOUT/index.json",
          cause: error,
        },
      );
    }
    throw error;
  }
}

/**
 * Returns the snapshot of an index that differs from `base` in entries only: each a position in `base`, a checked descriptor, or a text.
 * Undefined if one of the texts is anything but a plain entry.
 * @internal Exported for `editedIndex`, which is what others call.
 */
export function continueIndex(
  base: IndexSnapshot,
  bytes: Uint8Array,
  digest: Digest,
  parts: readonly (number | string | Descriptor)[],
): IndexSnapshot | undefined {
  const sharing = new ValuePool();
  const entries: IndexEntry[] = [];
  for (let position = 0; position < parts.length; position++) {
    const part = parts[position]!;
    if (typeof part === "number") {
      const entry = base.entries[part]!;
      entries.push(part === position ? entry : { ...entry, position });
      continue;
    }
    if (typeof part === "object") {
      entries.push(entryOf(part, position));
      continue;
    }
    try {
      const { value, quirks } = readJson(new TextEncoder().encode(part), INDEX_FILE);
      if (!isRecord(value) || quirks.length > 0 || misspelledInEntry(value) !== undefined) return undefined;
      entries.push(toEntry(value, position, sharing));
    } catch {
      return undefined;
    }
  }
  const { annotations, quirks, otherMembers } = base;
  return snapshotOf(bytes, { digest, entries, annotations, quirks, ...(otherMembers && { otherMembers }) });
}

function snapshotOf(bytes: Uint8Array, rest: Omit<IndexSnapshot, "bytes" | "text">): IndexSnapshot {
  return {
    ...rest,
    bytes,
    get text() {
      return decodeText(bytes);
    },
  };
}

function toEntry(value: unknown, position: number, sharing: ValuePool): IndexEntry {
  const descriptor: { -readonly [Member in keyof Descriptor]: Descriptor[Member] } = isPlainDescriptor(value)
    ? value
    : parseDescriptor(value, `$.manifests[${position}]`);
  descriptor.mediaType = sharing.text(descriptor.mediaType);
  if (descriptor.artifactType) descriptor.artifactType = sharing.text(descriptor.artifactType);
  return entryOf(descriptor, position);
}

function entryOf(descriptor: Descriptor, position: number): IndexEntry {
  const tag = descriptor.annotations?.[REF_NAME];
  return tag ? { position, descriptor, tag } : { position, descriptor };
}

function oddVersion(value: unknown): JsonQuirk | undefined {
  if (isSchemaVersion(value)) return undefined;
  return { kind: "number-form", message: "schemaVersion is not an integer, and tools in Go refuse the whole document" };
}

function misspelled(index: Record<string, unknown>): JsonQuirk | undefined {
  const { manifests } = index;
  const lists = Array.isArray(manifests) ? (manifests as unknown[]) : [];
  let key = INDEX_MEMBERS.misspelledIn(index);
  for (let i = 0; key === undefined && i < lists.length; i++) key = misspelledInEntry(lists[i]);
  if (key === undefined) return undefined;
  return { kind: "misspelled-member", message: `the member ${JSON.stringify(key)} is read by other tools as if it were spelled right` };
}

function misspelledInEntry(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const key = DESCRIPTOR_NAMES.misspelledIn(value);
  const { platform } = value;
  return key ?? (isRecord(platform) ? PLATFORM_MEMBERS.misspelledIn(platform) : undefined);
}

function invalid(path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${INDEX_FILE}: ${path} ${reason}`, { document: INDEX_FILE, path, reason });
}
