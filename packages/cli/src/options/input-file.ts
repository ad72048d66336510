import { createReadStream, statSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { OcilotError } from "@ocilot/layout";

/**
 * Opens a file of the user's for reading; `-` is standard input.
 * @throws OcilotError `PATH_NOT_FOUND`, `USAGE` for a directory
 */
export function openInput(path: string, stdin: Readable): AsyncIterable<Uint8Array> {
  if (path === "-") return stdin;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path });
  if (stat.isDirectory())
    throw new OcilotError("USAGE", `${path} is a directory`, { argument: path }, { hint: "Name a file, or pack the directory with tar." });
  return createReadStreamLazily(path);
}

/**
 * Reads a file of the user's whole; `-` is standard input.
 * @throws OcilotError `PATH_NOT_FOUND`, `USAGE` for a directory
 */
export async function readInput(path: string, stdin: Readable): Promise<Uint8Array> {
  return await buffer(openInput(path, stdin));
}

/** Opened when it is read: a stream that fails before anybody listens would end the process. */
async function* createReadStreamLazily(path: string): AsyncIterable<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
}
