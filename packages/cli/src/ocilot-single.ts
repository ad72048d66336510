import { fstatSync, openSync, readSync } from "node:fs";
import { loadProgram } from "./start/load-program.js";

/** For each chunk of dist/, how many bytes before the end of this file it begins, its length, and 1 if it is compressed; written by build-single.mjs. */
declare const OCILOT_CHUNKS: Readonly<Record<string, readonly [beforeEnd: number, length: number, isDeflated: 0 | 1]>>;

// The chunks are comments of this file. Node reads and scans all of it before the first line runs, so large ones are compressed, and
// only those that are needed are read here. The file stays open: it may be replaced while a command runs.
const file = openSync(import.meta.filename, "r");
const { size } = fstatSync(file);
function read(name: string): string {
  const [beforeEnd, length, isDeflated] = OCILOT_CHUNKS[name]!;
  const bytes = Buffer.allocUnsafe(length);
  if (readSync(file, bytes, 0, length, size - beforeEnd) < length) throw new Error(`${import.meta.filename} has been cut while it runs`);
  const text = bytes.toString("latin1");
  if (isDeflated === 0) return text.replaceAll("\n//", "\n");
  return process.getBuiltinModule("node:zlib").inflateRawSync(Buffer.from(text, "base64")).toString("latin1");
}
void (loadProgram({ directory: import.meta.filename, read }, "program.js", process)["main"] as () => Promise<void>)();
