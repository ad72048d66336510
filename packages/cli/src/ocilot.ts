#!/usr/bin/env node
import module from "node:module";

// From Node 22 on, what is compiled once is kept for the next run; it helps only what is loaded after this call.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
const { main } = await import("./main.js");
await main();
