import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { OcilotError } from "@ocilot/layout/spec";
import { usageError } from "../command-line/usage-error.js";

/** More than any password or token of a registry. */
const MAX_BYTES = 64 * 1024;

interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
}

/** Tells whether a person can be asked. */
export function canAsk({ stdin }: { readonly stdin: Readable }): boolean {
  return (stdin as { isTTY?: boolean }).isTTY === true;
}

/**
 * Asks for a line on the terminal and returns it. The question goes to standard error; with `hidden` nothing that is typed is shown.
 * @throws OcilotError `ABORTED` at Ctrl-C, at the end of the input, or when the signal fires
 */
export function askLine(
  { stdin, stderr }: Terminal,
  question: string,
  { hidden, signal }: { readonly hidden: boolean; readonly signal: AbortSignal },
): Promise<string> {
  return new Promise((resolve, reject) => {
    // With `terminal` the keys are not echoed by the terminal but by readline, here into nothing.
    const prompt = createInterface({ input: stdin, ...(!hidden && { output: stderr }), terminal: true, historySize: 0 });
    let isDone = false;
    const finish = (settle: () => void): void => {
      if (isDone) return;
      isDone = true;
      signal.removeEventListener("abort", onAbort);
      prompt.close();
      if (hidden) stderr.write("\n");
      settle();
    };
    const fail = (cause: unknown): void =>
      finish(() => reject(new OcilotError("ABORTED", "interrupted; nothing was stored", {}, { cause })));
    const onAbort = (): void => fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    prompt.once("line", (line) => finish(() => resolve(line)));
    prompt.once("SIGINT", () => fail("SIGINT"));
    prompt.once("close", () => fail("end of input"));
    // Keys may be typed as soon as the question is shown, and the terminal must not echo them.
    stderr.write(question);
  });
}

/**
 * Returns what standard input holds, without the line end after it.
 * @throws OcilotError `USAGE` if it is empty, too large or not text
 */
export async function secretFrom(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Buffer);
    size += bytes.length;
    if (size > MAX_BYTES) throw usageError(`standard input holds more than ${MAX_BYTES} bytes, which is no password`, "password-stdin");
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (text === "") throw usageError("standard input holds no password", "password-stdin");
  if (/[\r\n\0]/.test(text)) throw usageError("standard input holds more than one line, which is no password", "password-stdin");
  return text;
}
