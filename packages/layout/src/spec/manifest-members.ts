import { OcilotError } from "../errors.js";
import { type Descriptor, isPlainDescriptor, parseDescriptor } from "./descriptor.js";
import { DESCRIPTOR_NAMES } from "./descriptor-names.js";
import { MemberNames, isRecord, stringMap } from "./guards.js";
import type { Manifest } from "./manifest.js";
import type { ManifestKind } from "./media-types.js";
import type { Beginning } from "./similar-documents.js";
import type { ValuePool } from "./value-pool.js";

const MEMBERS: MemberNames = new MemberNames([
  "mediaType",
  "artifactType",
  "config",
  "layers",
  "blobs",
  "manifests",
  "subject",
  "annotations",
]);
const NONE: readonly never[] = [];

/** What a manifest is read as. */
export interface ManifestForm {
  readonly kind: ManifestKind;
  readonly mediaType: string;
  /** The manifest's name in errors. */
  readonly name: string;
  readonly sharing: ValuePool | undefined;
}

/** A manifest whose members are being read, in whatever order. */
class Draft {
  annotations: Manifest["annotations"] = {};
  layers: readonly Descriptor[] = NONE;
  manifests: readonly Descriptor[] = NONE;
  ignored: readonly string[] = NONE;
  config: Descriptor | undefined;
  /** Its own, without that of the config. */
  artifactType: string | undefined;
  subject: Descriptor | undefined;

  copy(): Draft {
    const copy = new Draft();
    copy.annotations = this.annotations;
    copy.layers = this.layers;
    copy.manifests = this.manifests;
    copy.ignored = this.ignored;
    copy.config = this.config;
    copy.artifactType = this.artifactType;
    copy.subject = this.subject;
    return copy;
  }
}

/** @throws OcilotError `DOCUMENT_INVALID`, `DESCRIPTOR_INVALID`, `DIGEST_INVALID` */
export function manifestOf(json: unknown, form: ManifestForm): Manifest {
  if (!isRecord(json)) throw invalidManifest(form.name, "$", "is not an object");
  return finished(readMembers(json, new Draft(), form), form);
}

/**
 * A manifest that begins like others. What its beginning says is checked once for all of them.
 * @throws OcilotError as {@link manifestOf}
 */
export function continuedManifest(beginning: Beginning, members: Readonly<Record<string, unknown>>, form: ManifestForm): Manifest {
  let known = drafts.get(beginning);
  if (known?.mediaType !== form.mediaType) {
    // Where the beginning is wrong, the whole document decides what the error says.
    try {
      known = { mediaType: form.mediaType, draft: readMembers(beginning.members, new Draft(), form) };
    } catch {
      return manifestOf({ ...beginning.members, ...members }, form);
    }
    drafts.set(beginning, known);
  }
  return finished(readMembers(members, known.draft.copy(), form), form);
}

const drafts = new WeakMap<Beginning, { readonly mediaType: string; readonly draft: Draft }>();

/** The members in one order, whatever the order of the document: objects of one shape are read several times faster. */
function finished(draft: Draft, { kind, mediaType }: ManifestForm): Manifest {
  const { annotations, layers, manifests, ignored, config, subject } = draft;
  const manifest: { -readonly [Member in keyof Manifest]: Manifest[Member] } = { kind, mediaType, annotations, layers, manifests, ignored };
  if (config !== undefined) manifest.config = config;
  // By the rule of distribution-spec 1.1.
  const artifactType = draft.artifactType ?? (kind === "image" ? config?.mediaType : undefined);
  if (artifactType !== undefined) manifest.artifactType = artifactType;
  if (subject !== undefined) manifest.subject = subject;
  return manifest;
}

function readMembers(json: Readonly<Record<string, unknown>>, draft: Draft, form: ManifestForm): Draft {
  const { kind, mediaType, name, sharing } = form;
  // Some tools do not mind this one, so it is told before any other.
  const own = json["mediaType"];
  if (own !== undefined && own !== null && own !== "" && own !== mediaType)
    throw invalidManifest(name, "$.mediaType", `is ${JSON.stringify(own)} where the descriptor says ${mediaType}`);
  for (const member in json) {
    const value = json[member];
    switch (member) {
      case "mediaType":
        break;
      case "schemaVersion":
        if (!isSchemaVersion(value)) throw invalidManifest(name, "$.schemaVersion", "is not an integer");
        break;
      case "annotations":
        draft.annotations = stringMap(value ?? {}, (reason) => invalidManifest(name, "$.annotations", reason));
        break;
      case "artifactType":
        if (isPresent(value) && typeof value !== "string") throw invalidManifest(name, "$.artifactType", "is not a string");
        if (value) draft.artifactType = sharing?.text(value as string) ?? (value as string);
        break;
      case "config":
        refuseIn(INDEXES, form, member);
        if (isPresent(value)) draft.config = sharedDescriptor(value, "$.config", sharing);
        break;
      case "layers":
        refuseIn(INDEXES, form, member);
        if (!ARTIFACTS.has(kind)) draft.layers = descriptors(value, member, form);
        break;
      case "blobs":
        if (ARTIFACTS.has(kind)) draft.layers = descriptors(value, member, form);
        break;
      case "manifests":
        if (!INDEXES.has(kind)) throw mixedShape(name, member);
        // A list may have many, each once: sharing them would only cost.
        draft.manifests = descriptors(value, member, { ...form, sharing: undefined });
        break;
      case "subject":
        if (!isPresent(value)) break;
        if (DOCKER.has(kind)) draft.ignored = [...draft.ignored, member];
        else draft.subject = sharedDescriptor(value, "$.subject", sharing);
        break;
      // Of early proposals for referrers.
      case "reference":
      case "data":
        if (isPresent(value)) draft.ignored = [...draft.ignored, member];
        break;
      default:
        if (MEMBERS.isMisspelled(member))
          throw invalidManifest(name, `$[${JSON.stringify(member)}]`, "is read by other tools as if it were spelled right");
    }
  }
  return draft;
}

const INDEXES: ReadonlySet<ManifestKind> = new Set(["index", "docker-list"]);
const ARTIFACTS: ReadonlySet<ManifestKind> = new Set(["artifact", "oras-artifact"]);
const DOCKER: ReadonlySet<ManifestKind> = new Set(["docker-image", "docker-list"]);

/** Refuses a document that is an image and an index at once: tools read it differently (CVE-2021-41190). */
function refuseIn(kinds: ReadonlySet<ManifestKind>, { kind, name }: ManifestForm, member: string): void {
  if (kinds.has(kind)) throw mixedShape(name, member);
}

function mixedShape(name: string, member: string): OcilotError {
  return invalidManifest(name, `$.${member}`, "belongs to another kind of document");
}

/** Go reads `null` as an absent member. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/**
 * Returns true for what Go reads into an integer.
 * @example
 * ```ts
 * import { isSchemaVersion } from "@ocilot/layout";
 *
 * console.log(isSchemaVersion(2), isSchemaVersion("2")); // true false
 * ```
 */
export function isSchemaVersion(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "number" && Number.isSafeInteger(value));
}

function descriptors(value: unknown, member: string, { name, sharing }: ManifestForm): readonly Descriptor[] {
  if (!isPresent(value)) return NONE;
  if (!Array.isArray(value)) throw invalidManifest(name, `$.${member}`, "is not an array");
  const found = value.map((item: unknown, i) => quickDescriptor(item, sharing) ?? exactDescriptor(item, `$.${member}[${i}]`));
  return sharing?.list(found) ?? found;
}

function sharedDescriptor(value: unknown, path: string, sharing: ValuePool | undefined): Descriptor {
  const found = quickDescriptor(value, sharing) ?? exactDescriptor(value, path);
  return sharing?.descriptor(found) ?? found;
}

/** Nearly all are equal to one that was checked before, or plain. */
function quickDescriptor(value: unknown, sharing: ValuePool | undefined): Descriptor | undefined {
  return sharing?.checked(value) ?? (isPlainDescriptor(value) ? value : undefined);
}

/** A descriptor in which no member is spelled in other letters: Go would read it in the place of the right one. */
function exactDescriptor(value: unknown, path: string): Descriptor {
  const descriptor = parseDescriptor(value, path);
  const odd = DESCRIPTOR_NAMES.misspelledIn(value as Record<string, unknown>);
  if (odd === undefined) return descriptor;
  const reason = "is read by other tools as if it were spelled right";
  const at = `${path}[${JSON.stringify(odd)}]`;
  throw new OcilotError("DESCRIPTOR_INVALID", `${at} ${reason}`, { path: at, reason });
}

/** Returns the error for what is wrong with a manifest at a JSON path. */
export function invalidManifest(document: string, path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${document}: ${path} ${reason}`, { document, path, reason });
}
