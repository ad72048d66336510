import { type Descriptor, EMPTY_JSON, OcilotError, TITLE, foldFileName, isDeviceName, splitDigest } from "@ocilot/layout/spec";

/** A layer and the file that it becomes, its name relative to the directory and with `/`. */
export interface PlannedFile {
  readonly name: string;
  readonly layer: Descriptor;
  /** The title of the layer, where it has one. */
  readonly title?: string;
  /** The content, where it is not the layer as it is stored. */
  readonly open?: () => Promise<Uint8Array | AsyncIterable<Uint8Array>>;
}

const MAX_PART_BYTES = 255;
const MAX_NAME_BYTES = 1024;
const SHORT_DIGEST = 12;
/** What no file system of Windows takes, and what would fool a reader: controls, invisible characters and marks that reorder text. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}<>:"|?*\\]/gu;

/**
 * Returns the file of each layer of a manifest; an empty layer without a title is none. A title that some file system cannot
 * hold is made safe, and a second layer of the same name gets part of its digest, so that every file can be written on any
 * system and no two are one where letters are folded. With `byDigest` titles are not used at all.
 * @throws OcilotError `UNSAFE_NAME` for a title that leads out of the directory
 */
export function planFiles(layers: readonly Descriptor[], byDigest = false): PlannedFile[] {
  const files: PlannedFile[] = [];
  const taken = new Map<string, Descriptor>();
  const directories = new Set<string>();
  for (const layer of layers) {
    const title = layer.annotations?.[TITLE];
    if (!title && layer.mediaType === EMPTY_JSON) continue;
    const isTitled = !byDigest && title !== undefined && title !== "";
    const wanted = isTitled ? safeName(title, layer) : splitDigest(layer.digest).encoded;
    if (taken.get(foldFileName(wanted))?.digest === layer.digest && !isTitled) continue;
    const isFree = (name: string): boolean =>
      !taken.has(foldFileName(name)) && !directories.has(foldFileName(name)) && parentsOf(name).every((p) => !taken.has(foldFileName(p)));
    const name = isFree(wanted) ? wanted : withDigest(wanted, layer, isFree);
    taken.set(foldFileName(name), layer);
    for (const parent of parentsOf(name)) directories.add(foldFileName(parent));
    files.push({ name, layer, ...(title !== undefined && title !== "" && { title }) });
  }
  return files;
}

/** The title as a name that every system can hold; `.` and empty parts say nothing and go. */
function safeName(title: string, layer: Descriptor): string {
  if (title.startsWith("/")) throw unsafe(title, layer, "is an absolute path");
  const parts = title.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw unsafe(title, layer, "leads out of the directory");
  const name = parts.map(safePart).join("/");
  const isShort = Buffer.byteLength(name) <= MAX_NAME_BYTES && parts.every((part) => Buffer.byteLength(part) <= MAX_PART_BYTES);
  return name === "" || !isShort ? splitDigest(layer.digest).encoded : name;
}

function safePart(part: string): string {
  const plain = part.replace(FORBIDDEN, "_").replace(/[. ]$/, "_");
  const isKept = foldFileName(plain).startsWith(".ocilot-");
  return isKept || isDeviceName(plain) ? `_${plain}` : plain;
}

/** The name with part of the digest before its ending: `sbom-4e1f0a2b3c4d.json`; with the whole digest where that is taken too. */
function withDigest(name: string, { digest }: Descriptor, isFree: (name: string) => boolean): string {
  const { encoded } = splitDigest(digest);
  const base = name.slice(name.lastIndexOf("/") + 1);
  const [, stem = base, ending = ""] = /^(.+?)(\.[^.]*)?$/s.exec(base)!;
  const folder = name.slice(0, name.length - base.length);
  const forms = [encoded.slice(0, SHORT_DIGEST), encoded].map((part) => `${folder}${stem}-${part}${ending}`);
  for (const form of forms) if (isFree(form)) return form;
  for (let i = 2; ; i++) if (isFree(`${encoded}-${i}`)) return `${encoded}-${i}`;
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
    { hint: "Name the files by their digests instead: --by-digest" },
  );
}
