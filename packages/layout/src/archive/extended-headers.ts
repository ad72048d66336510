import { OcilotError } from "../errors.js";
import { archiveInvalid, overLimit, shown } from "./archive-error.js";
import type { ArchiveFile } from "./archive-file.js";
import { type DecodedHeader, decodeLongName, decodePax } from "./tar-header.js";

/** Real ones have less than a kilobyte. */
const MAX_EXTENDED_BYTES = 1 << 20;
const EXTENDED: ReadonlySet<DecodedHeader["type"]> = new Set(["pax-header", "pax-global-header", "gnu-long-path", "gnu-long-link-path"]);
const HEADER_ONLY: ReadonlySet<DecodedHeader["type"]> = new Set(["link", "symlink", "directory"]);
/** What may not stand in a record that is for every member to come. */
const OF_ONE_MEMBER = ["path", "linkpath", "size"];

/** A member as its header and the extended headers before it describe it. */
export interface Described {
  /** The name as it stands in the archive. */
  readonly raw: string;
  readonly size: number;
  readonly isFile: boolean;
  /** Only of a link. */
  readonly target?: string;
}

/** PAX records and GNU long names: headers that speak of the member that comes next. */
export class ExtendedHeaders {
  readonly #file: ArchiveFile;
  #pax: Readonly<Record<string, string>> = {};
  #longName: string | undefined;
  #longTarget: string | undefined;
  #isPending = false;

  constructor(file: ArchiveFile) {
    this.#file = file;
  }

  isExtended(header: DecodedHeader): boolean {
    return EXTENDED.has(header.type);
  }

  /** True while the member that the last of them is about has not come. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /**
   * Reads one, whose content begins at `offset`. Returns the size of the content.
   * @throws OcilotError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `UNSAFE_NAME`
   */
  take(header: DecodedHeader, offset: number): number {
    const { location, size: end } = this.#file;
    const size = checkedSize(location, header.size, offset);
    if (size > MAX_EXTENDED_BYTES)
      throw overLimit(location, "bytes of an extended header", MAX_EXTENDED_BYTES, size, "No program writes such headers.");
    if (size > end - offset) throw archiveInvalid(location, "is cut short within an extended header", { offset });
    const body = this.#file.read(offset, size);
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
   * What `header`, which is in `block`, describes with the help of those that came before it; they are used up then.
   * @throws OcilotError `ARCHIVE_INVALID` for devices, pipes, sparse files and what no program agrees on
   */
  apply(header: DecodedHeader, block: Buffer, offset: number): Described {
    const { location } = this.#file;
    const pax = this.#pax;
    // An empty value takes a record back.
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
      throw archiveInvalid(location, "is of a kind that a layout has no use for (sparse, or part of several volumes)", {
        ...where,
        hint: "Make the archive again with: tar --format=pax -cf",
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
  // What tar-stream makes of -1 in base 256 is -0.
  if (Number.isSafeInteger(size) && size >= 0 && !Object.is(size, -0)) return size;
  throw archiveInvalid(location, `the size ${size} is not a size`, { offset, ...(member !== undefined && { member }) });
}

function paxNumber(text: string): number {
  return /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
}

/** @throws OcilotError `UNSAFE_NAME` if something stands behind the NUL that ends the name */
function longText(location: string, body: Buffer): string {
  const name = decodeLongName(body);
  if (body.subarray(Buffer.byteLength(name)).every((b) => b === 0)) return name;
  throw hiddenName(location, body.toString("utf8"));
}

/** The field of a header holds 100 bytes; what stands behind a NUL there, some programs take for a part of the name. */
function refuseHiddenName(location: string, block: Buffer): void {
  const field = block.subarray(0, 100);
  const end = field.indexOf(0);
  if (end < 0 || field.subarray(end).every((b) => b === 0)) return;
  throw hiddenName(location, field.toString("utf8").replace(/\0+$/, ""));
}

function hiddenName(location: string, name: string): OcilotError<"UNSAFE_NAME"> {
  return new OcilotError(
    "UNSAFE_NAME",
    `${location}: the member name ${shown(name)} holds a NUL`,
    { name },
    { hint: "Do not unpack this archive with other tools: programs take the name differently." },
  );
}
