import { type Descriptor, EMPTY_JSON, OcilotError, TITLE, splitDigest } from "@ocilot/layout/spec";

/** A layer and the file that it becomes, its name relative to the directory and with `/`. */
export interface PlannedFile {
  readonly name: string;
  readonly layer: Descriptor;
  /** The layer has no title, and the name is its digest. */
  readonly untitled: boolean;
}

const MAX_PART_BYTES = 255;
const MAX_NAME_BYTES = 1024;
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** What no file system of Windows takes, and what would fool a reader: controls and marks that reorder text. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069<>:"|?*\\]/u;

/**
 * Names the files of the layers of a manifest; an empty layer without a title is none. All names are checked, so that
 * the files are safe to make on any system and no two are one on a file system that folds letters.
 * @throws OcilotError `UNSAFE_NAME`
 */
export function planFiles(layers: readonly Descriptor[]): PlannedFile[] {
  const files: PlannedFile[] = [];
  const taken = new Map<string, PlannedFile>();
  const directories = new Map<string, string>();
  for (const layer of layers) {
    const title = layer.annotations?.[TITLE];
    if (!title && layer.mediaType === EMPTY_JSON) continue;
    const name = title || splitDigest(layer.digest).encoded;
    const reason = unsafeReason(name);
    if (reason !== undefined) throw unsafe(name, layer, reason);
    const file = { name, layer, untitled: !title };
    const twin = taken.get(foldName(name));
    if (twin?.layer.digest === layer.digest && twin.untitled && file.untitled) continue;
    if (twin !== undefined) throw unsafe(name, layer, `is taken by another layer (${twin.name})`);
    taken.set(foldName(name), file);
    for (const parent of parentsOf(name)) directories.set(foldName(parent), parent);
    files.push(file);
  }
  for (const file of files) {
    if (directories.has(foldName(file.name))) throw unsafe(file.name, file.layer, "is a directory for another layer");
  }
  return files;
}

function unsafeReason(name: string): string | undefined {
  if (name.startsWith("/")) return "is absolute";
  if (FORBIDDEN.test(name)) return "holds a character that is not safe in a file name";
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`;
  for (const part of name.split("/")) {
    if (part === "" || part === "." || part === "..") return `has ${JSON.stringify(part)} as a part of its path`;
    if (Buffer.byteLength(part) > MAX_PART_BYTES) return `has a part longer than ${MAX_PART_BYTES} bytes`;
    if (/[. ]$/.test(part)) return "has a part that ends in a dot or a space";
    if (DEVICE.test(part)) return "is the name of a device on Windows";
    if (foldName(part).startsWith(".ocilot-")) return "is kept for ocilot's temporary files";
  }
  return undefined;
}

/** One form for all names that some file system takes for the same. */
function foldName(name: string): string {
  return name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
}

function parentsOf(name: string): string[] {
  const parts = name.split("/");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

function unsafe(name: string, layer: Descriptor, reason: string): OcilotError<"UNSAFE_NAME"> {
  return new OcilotError(
    "UNSAFE_NAME",
    `the title ${JSON.stringify(name.slice(0, 200))} of ${layer.digest} ${reason}; nothing was written`,
    { name, digest: layer.digest },
    { hint: `Print the layer instead: ocilot cat LAYOUT@${layer.digest} > FILE` },
  );
}
