import { OcilotError } from "../errors.js";
import { archiveInvalid, overLimit, shown } from "./archive-error.js";
import { type DecodedHeader, decodeLongName, decodePax } from "./tar-header.js";
import type { TarSource } from "./tar-source.js";

/** The largest extended header that is read, in bytes. Real ones have less than a kilobyte. */
const MAX_EXTENDED_BYTES = 1 << 20;
const EXTENDED: ReadonlySet<DecodedHeader["type"]> = new Set(["pax-header", "pax-global-header", "gnu-long-path", "gnu-long-link-path"]);
const HEADER_ONLY: ReadonlySet<DecodedHeader["type"]> = new Set(["link", "symlink", "directory"]);
/** Records that make no sense in a global header, which applies to all later members. */
const OF_ONE_MEMBER = ["path", "linkpath", "size"];

/** A member as its header and the extended headers before it describe it. */
export interface Described {
  /** The name as written in the archive. */
  readonly raw: string;
  readonly size: number;
  readonly isFile: boolean;
  /** Of a link only. */
  readonly target?: string;
}

/** Collects PAX records and GNU long names, which describe the next member. */
export class ExtendedHeaders {
  readonly #file: TarSource;
  #pax: Readonly<Record<string, string>> = {};
  #longName: string | undefined;
  #longTarget: string | undefined;
  #isPending = false;

  constructor(file: TarSource) {
    this.#file = file;
  }

  isExtended(header: DecodedHeader): boolean {
    return EXTENDED.has(header.type);
  }

  /** True while the member that an extended header describes has not come. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /**
   * Reads an extended header whose content begins at `offset`. Returns the size of the content in bytes.
   * @throws OcilotError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `UNSAFE_NAME`
   */
  async take(header: DecodedHeader, offset: number): Promise<number> {
    const { location, size: end } = this.#file;
    const size = checkedSize(location, header.size, offset);
    if (size > MAX_EXTENDED_BYTES)
      throw overLimit(location, "bytes of an extended header", MAX_EXTENDED_BYTES, size, "No program writes such headers.");
    if (size > end - offset) throw archiveInvalid(location, "is cut short within an extended header", { offset });
    const body = await this.#file.read(offset, size);
    this.#isPending = header.type !== "pax-global-header";
    if (header.type === "gnu-long-path") this.#longName = longText(location, body);
    else if (header.type === "gnu-long-link-path") this.#longTarget = longText(location, body);
    else if (header.type === "pax-header") this.#pax = decodePax(body);
    else {
      const odd = OF_ONE_MEMBER.find((key) => key in decodePax(body));
      if (odd !== undefined) throw archiveInvalid(location, `a global header gives every member the same ${odd}`, { offset });
    }
    return size;
  }

  /**
   * Returns what `header`, read from `block`, describes together with the extended headers before it, and forgets those.
   * @throws OcilotError `ARCHIVE_INVALID` for devices, pipes, sparse files and headers that programs read differently
   */
  apply(header: DecodedHeader, block: Uint8Array, offset: number): Described {
    const { location } = this.#file;
    const pax = this.#pax;
    // An empty value cancels a record.
    const longName = pax["path"] || this.#longName;
    if (longName === undefined) refuseHiddenName(location, block);
    const raw = longName ?? header.name;
    const target = pax["linkpath"] || this.#longTarget || header.linkname || "";
    const where = { member: raw, offset };
    const size = checkedSize(location, pax["size"] ? paxNumber(pax["size"]) : header.size, offset, raw);
    this.#pax = {};
    this.#longName = this.#longTarget = undefined;
    this.#isPending = false;
    const { type } = header;
    if (type === "character-device" || type === "block-device" || type === "fifo") {
      throw archiveInvalid(location, `is a ${type.replace("fifo", "pipe").replace("-", " ")}`, {
        ...where,
        hint: "A layout has none; do not unpack this archive.",
      });
    }
    if (type === null || Object.keys(pax).some((key) => key.startsWith("GNU.sparse."))) {
      throw archiveInvalid(location, "is a sparse file or part of a multi-volume archive, which ocilot does not read", {
        ...where,
        hint: "Unpack it with tar, and make it again with: tar --format=pax -cf NEW.tar -C DIRECTORY .",
      });
    }
    if (HEADER_ONLY.has(type) && size !== 0) {
      throw archiveInvalid(location, `is a ${type} with ${size} bytes of content, which programs read differently`, where);
    }
    const isFile = type === "file" || type === "contiguous-file";
    return { raw, size, isFile, ...((type === "link" || type === "symlink") && { target }) };
  }
}

function checkedSize(location: string, size: number, offset: number, member?: string): number {
  // tar-stream decodes -1 in base 256 as -0.
  if (Number.isSafeInteger(size) && size >= 0 && !Object.is(size, -0)) return size;
  throw archiveInvalid(location, `the size ${size} is not a size`, { offset, ...(member !== undefined && { member }) });
}

function paxNumber(text: string): number {
  return /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
}

/** Returns the text of a GNU long name. @throws OcilotError `UNSAFE_NAME` if anything follows the NUL that ends it */
function longText(location: string, body: Uint8Array): string {
  const name = decodeLongName(body);
  if (body.subarray(new TextEncoder().encode(name).length).every((b) => b === 0)) return name;
  throw hiddenName(location, textOf(body));
}

/** Refuses anything after a NUL in the name field, which is 100 bytes long: some programs take it as part of the name. */
function refuseHiddenName(location: string, block: Uint8Array): void {
  const field = block.subarray(0, 100);
  const end = field.indexOf(0);
  if (end < 0 || field.subarray(end).every((b) => b === 0)) return;
  throw hiddenName(location, textOf(field).replace(/\0+$/, ""));
}

function hiddenName(location: string, name: string): OcilotError<"UNSAFE_NAME"> {
  return new OcilotError(
    "UNSAFE_NAME",
    `${location}: the member name ${shown(name)} contains NUL`,
    { name },
    { hint: "Do not unpack this archive with other tools: they read the name differently." },
  );
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
