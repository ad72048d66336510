import { readFileSync } from "node:fs";
import { loadProgram } from "./start/load-program.js";

/** For each chunk of dist/, how many characters before the end of this file it begins, and its length; written by build-single.mjs. */
declare const OCILOT_CHUNKS: Readonly<Record<string, readonly [beforeEnd: number, length: number]>>;

// The chunks are comments of this file, which V8 skips faster than it reads strings.
const file = readFileSync(import.meta.filename, "latin1");
function read(name: string): string {
  const [beforeEnd, length] = OCILOT_CHUNKS[name]!;
  const start = file.length - beforeEnd;
  return file.slice(start, start + length).replaceAll("\n//", "\n");
}
void (loadProgram({ directory: import.meta.filename, read }, "program.js", process)["main"] as () => Promise<void>)();
