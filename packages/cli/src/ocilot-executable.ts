import { getRawAsset } from "node:sea";
import { loadProgram } from "./start/load-program.js";

// Each chunk is an asset of the executable (build-single.mjs), so a start touches only those that it needs.
const chunks = {
  directory: process.execPath,
  read: (name: string): string => Buffer.from(getRawAsset(name) as ArrayBuffer).toString("latin1"),
};
void (loadProgram(chunks, "program.js", process)["main"] as () => Promise<void>)();
