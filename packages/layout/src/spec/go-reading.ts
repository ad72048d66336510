import { OcilotError } from "../errors.js";
import { foldLetters } from "./fold-letters.js";
import { containerAt } from "./json-text.js";

/** What a member is decoded into. A `struct` is a value or, with `isPointer`, something that `null` takes away. */
type GoType =
  | { readonly kind: "struct"; readonly members: Readonly<Record<string, GoType>>; readonly isPointer?: true }
  | { readonly kind: "list"; readonly of: GoType }
  | { readonly kind: "map" }
  | { readonly kind: "string" | "integer" | "bytes" };

const TEXT: GoType = { kind: "string" };
const TEXTS: GoType = { kind: "list", of: TEXT };
const MAP: GoType = { kind: "map" };
const DESCRIPTOR_MEMBERS: Readonly<Record<string, GoType>> = {
  mediaType: TEXT,
  digest: TEXT,
  size: { kind: "integer" },
  urls: TEXTS,
  annotations: MAP,
  data: { kind: "bytes" },
  platform: {
    kind: "struct",
    isPointer: true,
    members: { architecture: TEXT, os: TEXT, "os.version": TEXT, "os.features": TEXTS, variant: TEXT },
  },
  artifactType: TEXT,
};
const DESCRIPTOR: GoType = { kind: "struct", members: DESCRIPTOR_MEMBERS };
const DESCRIPTORS: GoType = { kind: "list", of: DESCRIPTOR };

/** The members of `index.json` and of manifests of all kinds, as the structs of the Go libraries have them. */
const DOCUMENT: GoType = {
  kind: "struct",
  members: {
    schemaVersion: { kind: "integer" },
    mediaType: TEXT,
    artifactType: TEXT,
    config: DESCRIPTOR,
    layers: DESCRIPTORS,
    blobs: DESCRIPTORS,
    manifests: DESCRIPTORS,
    subject: { kind: "struct", isPointer: true, members: DESCRIPTOR_MEMBERS },
    annotations: MAP,
  },
};

/**
 * Returns what Go's `encoding/json` makes of the first value of a text that `JSON.parse` accepts: it takes a member in other letters for
 * the right one, and decodes one that occurs again over what it has, so that a second list is laid over the first, entry by entry.
 * Members that no Go library knows keep their last value.
 * @param name the document's name in errors
 * @throws OcilotError `DOCUMENT_INVALID` where Go refuses the document
 */
export function readAsGo(text: string, name: string): unknown {
  return decode(text, { start: 0, end: text.length }, { type: DOCUMENT, path: "$", name }, undefined);
}

/** What a range of the text is decoded into. */
interface Target {
  readonly type: GoType;
  readonly path: string;
  readonly name: string;
}

function decode(text: string, { start, end }: { start: number; end: number }, target: Target, current: unknown): unknown {
  const { type, path } = target;
  const first = text.slice(start, end).trimStart()[0];
  const isNull = first === "n";
  switch (type.kind) {
    case "struct": {
      if (isNull) return type.isPointer ? undefined : current;
      if (first !== "{") throw refused(target, "is not an object");
      const found = { ...(current as Record<string, unknown> | undefined) };
      for (const { key, value } of containerAt(text, start).items) {
        const member = memberOf(type.members, key!);
        const at = `${path}[${JSON.stringify(key)}]`;
        const decoded =
          member === undefined
            ? (JSON.parse(text.slice(value.start, value.end)) as unknown)
            : decode(text, value, { ...target, type: type.members[member]!, path: at }, found[member]);
        if (decoded === undefined) delete found[member ?? key!];
        else Object.defineProperty(found, member ?? key!, { value: decoded, enumerable: true, configurable: true, writable: true });
      }
      return found;
    }
    case "list": {
      if (isNull) return undefined;
      if (first !== "[") throw refused(target, "is not an array");
      const old = (current as readonly unknown[] | undefined) ?? [];
      return containerAt(text, start).items.map(({ value }, i) =>
        decode(text, value, { ...target, type: type.of, path: `${path}[${i}]` }, old[i]),
      );
    }
    case "map": {
      if (isNull) return undefined;
      const value: unknown = JSON.parse(text.slice(start, end));
      if (first !== "{" || Object.values(value as object).some((item) => item !== null && typeof item !== "string"))
        throw refused(target, "is not an object of strings");
      return { ...(current as object | undefined), ...(value as object) };
    }
    default: {
      if (isNull) return type.kind === "bytes" ? undefined : current;
      const value: unknown = JSON.parse(text.slice(start, end));
      if (typeof value !== (type.kind === "integer" ? "number" : "string"))
        throw refused(target, `is not ${type.kind === "integer" ? "a number" : "a string"}`);
      return value;
    }
  }
}

/** The member of that name, else the one that differs in letters only. */
function memberOf(members: Readonly<Record<string, GoType>>, key: string): string | undefined {
  if (Object.hasOwn(members, key)) return key;
  const folded = foldLetters(key);
  return Object.keys(members).find((name) => foldLetters(name) === folded);
}

function refused({ name, path }: Target, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${name}: ${path} ${reason}`, { document: name, path, reason });
}
