#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadProgram } from "./start/load-program.js";

// In the bundle, main.ts and what it imports are chunks beside this file.
declare const __dirname: string;
const chunks = { directory: __dirname, read: (name: string): string => readFileSync(join(__dirname, name), "latin1") };
void (loadProgram(chunks, "program.js", process)["main"] as () => Promise<void>)();
