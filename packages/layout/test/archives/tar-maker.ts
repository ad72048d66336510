import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type ArchiveOptions, OcilotError, blobPath, openArchive } from "../../src/index.js";
import { MARKER, descriptorOf, errorOf, tempDir, text, treeOf } from "../helpers.js";

/** A member as its bytes are to be, right or wrong. */
export interface RawMember {
  name: string | Uint8Array;
  /** The type flag; `0`, a file, unless told. */
  type?: string;
  body?: string | Uint8Array;
  /** What the header says: a number in octal, or the twelve bytes themselves. The body's length unless told. */
  size?: number | Uint8Array | string;
  link?: string;
  magic?: "ustar" | "gnu" | "v7";
  prefix?: string;
  checksum?: number;
}

/** A tar made byte by byte, without the code under test. */
export function tar(members: readonly RawMember[], end: Uint8Array = new Uint8Array(1024)): Buffer {
  return Buffer.concat([...members.flatMap((m) => [header(m), padded(m.body ?? "")]), end]);
}

export function header(m: RawMember): Buffer {
  const block = Buffer.alloc(512);
  put(block, 0, m.name);
  put(block, 100, "0000644\0");
  put(block, 108, "0000000\0");
  put(block, 116, "0000000\0");
  const size = m.size ?? Buffer.from(m.body ?? "").length;
  put(block, 124, typeof size === "number" ? `${size.toString(8).padStart(11, "0")}\0` : size);
  put(block, 136, "00000000000\0");
  put(block, 148, "        ");
  put(block, 156, m.type ?? "0");
  put(block, 157, m.link ?? "");
  if (m.magic !== "v7") put(block, 257, m.magic === "gnu" ? "ustar  \0" : "ustar\x0000");
  put(block, 345, m.prefix ?? "");
  const sum = block.reduce((a, b) => a + b, 0);
  put(block, 148, `${(m.checksum ?? sum).toString(8).padStart(6, "0")}\0 `);
  return block;
}

function put(block: Buffer, at: number, value: string | Uint8Array): void {
  block.set(typeof value === "string" ? Buffer.from(value) : value, at);
}

function padded(body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A PAX header for the member that comes next. */
export function pax(records: Readonly<Record<string, string>>, type = "x"): RawMember {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.from(` ${key}=${value}\n`);
    let length = rest.length;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  return { name: "PaxHeaders/x", type, body: Buffer.concat(lines) };
}

/** A GNU long name (or with `K` a long link target) for the member that comes next. */
export function gnuLong(name: string, type = "L"): RawMember {
  return { name: "././@LongLink", type, body: `${name}\0`, magic: "gnu" };
}

/** Twelve bytes that hold a size in base 256. */
export function base256(size: bigint): Uint8Array {
  const bytes = Buffer.alloc(12);
  let rest = BigInt.asUintN(88, size);
  for (let i = 11; i > 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  bytes[0] = size < 0n ? 0xff : 0x80;
  return bytes;
}

export const HELLO = text("hello");
export const D = descriptorOf(HELLO, { mediaType: "application/octet-stream" });
export const INDEX = `{"schemaVersion":2,"manifests":[${JSON.stringify({ mediaType: D.mediaType, digest: D.digest, size: D.size })}]}`;

/** A whole layout with one blob, in the order in which ocilot writes it. */
export function layoutMembers(): RawMember[] {
  return [
    { name: "oci-layout", body: MARKER },
    { name: "index.json", body: INDEX },
    { name: blobPath(D.digest), body: HELLO },
  ];
}

/** Puts an archive into a directory of its own. */
export function archiveWith(bytes: Uint8Array, name = "x.tar"): string {
  const path = join(tempDir(), name);
  writeFileSync(path, bytes);
  return path;
}

/** Opens an archive and reads all of it, and returns the error that this gives; nothing may be written anywhere. */
export async function refusal(bytes: Uint8Array, options: ArchiveOptions = {}): Promise<OcilotError> {
  const dir = tempDir();
  const path = join(dir, "x.tar");
  const tempDirectory = join(dir, "temp");
  mkdirSync(tempDirectory);
  writeFileSync(path, bytes);
  const before = treeOf(dir);
  const error = await errorOf(readAll(path, { tempDir: tempDirectory, ...options }));
  const after = treeOf(dir);
  // A compressed archive was in there for a moment, without a name by now.
  expect({ ...after, temp: "" }).toEqual({ ...before, temp: "" });
  expect(error.hint, error.message).toMatch(/./);
  return error;
}

async function readAll(path: string, options: ArchiveOptions): Promise<void> {
  const layout = await openArchive(path, options);
  try {
    await layout.index.read();
    for await (const { digest, size } of layout.blobs.list()) await layout.blobs.bytes({ mediaType: "x", digest, size });
  } finally {
    await layout.close();
  }
}
