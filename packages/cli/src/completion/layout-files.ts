import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** A keystroke must not wait for more. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_MILLISECONDS = 100;
const BLOCK = 512;

/** Reads files of a layout for completion; undefined for what is missing, too large, or found too late. */
export interface LayoutFiles {
  read(name: string): string | undefined;
}

/** Returns the files of a layout directory or an uncompressed tar of one; undefined for anything else. */
export function layoutFiles(path: string): LayoutFiles | undefined {
  try {
    if (path === "" || path.startsWith("docker://")) return undefined;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true)
      return existsSync(join(path, "index.json")) ? { read: (name) => readAt(join(path, name)) } : undefined;
    return stat?.isFile() === true && isTar(path) ? { read: (name) => readMember(path, name) } : undefined;
  } catch {
    return undefined;
  }
}

function readAt(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size <= MAX_BYTES ? readFileSync(path, "utf8") : undefined;
}

function isTar(path: string): boolean {
  return withFile(path, (fd) => headerAt(fd, 0) !== undefined) === true;
}

/** The content of the last member of that name, as programs that unpack a tar end with it. Members are gone through by their headers only. */
function readMember(path: string, name: string): string | undefined {
  return withFile(path, (fd) => {
    const deadline = performance.now() + MAX_MILLISECONDS;
    let found: { offset: number; size: number } | undefined;
    for (let offset = 0, header = headerAt(fd, 0); header !== undefined; header = headerAt(fd, offset)) {
      if (header.name === name) found = { offset: offset + BLOCK, size: header.size };
      if (found !== undefined && name !== "index.json") break;
      if (performance.now() > deadline) return undefined;
      offset += BLOCK + Math.ceil(header.size / BLOCK) * BLOCK;
    }
    if (found === undefined || found.size > MAX_BYTES) return undefined;
    const bytes = Buffer.alloc(found.size);
    return readSync(fd, bytes, 0, found.size, found.offset) === found.size ? bytes.toString("utf8") : undefined;
  });
}

function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, "r");
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** A header with its name and size; undefined at the end, and for what is no header with a checksum that is right. */
function headerAt(fd: number, offset: number): { name: string; size: number } | undefined {
  const block = Buffer.alloc(BLOCK);
  if (readSync(fd, block, 0, BLOCK, offset) < BLOCK) return undefined;
  const octal = (from: number, length: number): number => Number.parseInt(block.toString("latin1", from, from + length).trim(), 8);
  let sum = 8 * 32;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i]!;
  const size = octal(124, 12);
  if (octal(148, 8) !== sum || !Number.isSafeInteger(size) || size < 0) return undefined;
  const text = (from: number, length: number): string => block.toString("utf8", from, from + length).split("\0", 1)[0]!;
  const prefix = block.toString("latin1", 257, 263) === "ustar\0" ? text(345, 155) : "";
  return { name: `${prefix === "" ? "" : `${prefix}/`}${text(0, 100)}`.replace(/^\.\//, ""), size };
}
