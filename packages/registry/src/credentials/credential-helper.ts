import { spawn } from "node:child_process";
import { OcilotError, isRecord } from "@ocilot/layout/spec";
import type { Environment } from "../environment.js";
import { aborted } from "../transport/exchange.js";
import { printable } from "../transport/errors.js";
import type { Credential } from "./credential.js";

/** What a helper is run with. */
export interface HelperOptions {
  readonly env?: Environment;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that a helper may take; 60,000 by default. */
  readonly timeout?: number;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;
const NOT_FOUND = /credentials not found/i;

/**
 * Asks `docker-credential-NAME` for the credential of a key; undefined if it has none.
 * @throws OcilotError `CREDENTIALS_UNAVAILABLE`, `ABORTED`
 * @see https://github.com/docker/docker-credential-helpers
 */
export async function helperGet(name: string, key: string, options: HelperOptions = {}): Promise<Credential | undefined> {
  const output = await run(name, { action: "get", input: key, ...options });
  if (output === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(output);
  } catch {
    throw broken(name, "did not answer with JSON");
  }
  const { Username: username, Secret: secret } = isRecord(json) ? json : {};
  if (typeof username !== "string" || typeof secret !== "string") throw broken(name, "answered without Username and Secret");
  if (secret === "") return undefined;
  return username === "<token>" ? { kind: "identity-token", token: secret } : { kind: "password", username, password: secret };
}

/**
 * Gives a credential to a helper to keep.
 * @throws OcilotError `CREDENTIALS_UNAVAILABLE`, `ABORTED`
 */
export async function helperStore(
  name: string,
  key: string,
  { credential, ...options }: HelperOptions & { readonly credential: Credential },
): Promise<void> {
  const Username = credential.kind === "password" ? credential.username : "<token>";
  const Secret = credential.kind === "password" ? credential.password : credential.token;
  await run(name, { action: "store", input: JSON.stringify({ ServerURL: key, Username, Secret }), ...options });
}

/**
 * Makes a helper forget a credential; one that it does not have is no error.
 * @throws OcilotError `CREDENTIALS_UNAVAILABLE`, `ABORTED`
 */
export async function helperErase(name: string, key: string, options: HelperOptions = {}): Promise<void> {
  await run(name, { action: "erase", input: key, ...options });
}

/** Runs a helper and returns what it printed; undefined where it says that it has no such credential. */
function run(
  name: string,
  { action, input, env = process.env, signal, timeout = 60_000 }: HelperOptions & { action: "get" | "store" | "erase"; input: string },
): Promise<string | undefined> {
  if (!/^[\w.-]{1,100}$/.test(name)) throw broken(printable(name, 100), "is not the name of a credential helper");
  if (signal?.aborted === true) throw aborted(signal);
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${name}`, [action], { env: { ...env }, stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
    const output: Buffer[] = [];
    let size = 0;
    let failure: Error | undefined;
    const stop = (error: Error): void => {
      failure ??= error;
      child.kill("SIGKILL");
      // A child of the helper may hold its output open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => stop(broken(name, `did not answer within ${timeout / 1000} s`)), timeout);
    const onAbort = (): void => stop(aborted(signal));
    signal?.addEventListener("abort", onAbort, { once: true });
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT_BYTES) stop(broken(name, "printed too much"));
      else output.push(chunk);
    });
    // What a helper writes there may hold a secret; it is read so that the helper does not block.
    child.stderr.resume();
    // A helper that ends without reading is judged by its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    child.once("error", (error: NodeJS.ErrnoException) => {
      finish();
      reject(broken(name, error.code === "ENOENT" ? "was not found in PATH" : `could not be run (${error.code ?? error.name})`));
    });
    child.once("close", (status, by) => {
      finish();
      const text = Buffer.concat(output).toString("utf8");
      if (failure !== undefined) reject(failure);
      else if (status === 0) resolve(text);
      else if (NOT_FOUND.test(text)) resolve(undefined);
      // What it printed before failing is a message by the protocol, except that a broken `get` may print anything.
      else
        reject(
          broken(
            name,
            `failed (${status === null ? `signal ${by ?? "unknown"}` : `exit code ${status}`})${action === "get" && text.includes("Secret") ? "" : said(text)}`,
          ),
        );
    });
  });
}

function said(text: string): string {
  const line = printable(text.split("\n", 1)[0] ?? "", 200);
  return line === "" ? "" : `: ${line}`;
}

function broken(name: string, reason: string): OcilotError<"CREDENTIALS_UNAVAILABLE"> {
  const source = `docker-credential-${name}`;
  return new OcilotError(
    "CREDENTIALS_UNAVAILABLE",
    `credential helper ${source} ${reason}`,
    { source, reason },
    { hint: "Run the helper by hand, or remove it from credHelpers or credsStore." },
  );
}
