import { writeSync } from "node:fs";
import { createServer } from "@ocilot/server";

// <folder>; says `at <url>` once it listens, and serves until it is killed.
const server = await createServer(process.argv[2], { writable: true });
writeSync(1, `at ${server.url}\n`);
