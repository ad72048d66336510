import { createReadStream, statSync } from "node:fs";
import { OcilotError } from "@ocilot/layout";
import type { Readable } from "node:stream";

/**
 * Opens a file of the user's for reading; `-` is standard input.
 * @throws OcilotError `PATH_NOT_FOUND`, `USAGE` for a directory
 */
export function openFile(path: string, stdin: Readable): AsyncIterable<Uint8Array> {
  if (path === "-") return stdin;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path });
  if (stat.isDirectory())
    throw new OcilotError("USAGE", `${path} is a directory`, { argument: path }, { hint: "Attach files, or a tar of the directory." });
  return contentOf(path);
}

/** Opened when it is read: a stream that fails before anybody listens would end the process. */
async function* contentOf(path: string): AsyncIterable<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  } catch (error) {
    const { code = "unknown", syscall = "read" } = error as NodeJS.ErrnoException;
    throw new OcilotError("IO_ERROR", `${path} cannot be read: ${code}`, { path, syscall, errno: code }, { cause: error });
  }
}
