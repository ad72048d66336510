import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RegistryQuirks } from "./quirks.js";
import type { RepositoryState } from "./registry-state.js";

/** One request to a test registry on its way to an answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** The name of the repository. */
  readonly name: string;
  readonly repository: RepositoryState;
  /** All repositories, for mounts. */
  readonly repositories: ReadonlyMap<string, RepositoryState>;
  readonly quirks: RegistryQuirks;
}

export function send(
  exchange: Pick<Exchange, "request" | "response">,
  status: number,
  headers: Record<string, string | number> = {},
  body?: Buffer | string,
): void {
  const { request, response } = exchange;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  response.writeHead(status, { ...(bytes !== undefined && { "content-length": bytes.length }), ...headers });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

/** An answer with an error document of the distribution spec. */
export function fail(
  exchange: Pick<Exchange, "request" | "response">,
  status: number,
  code: string,
  message: string = code.toLowerCase(),
  detail?: unknown,
): void {
  const text = JSON.stringify({ errors: [{ code, message, ...(detail !== undefined && { detail }) }] });
  send(exchange, status, { "content-type": "application/json" }, text);
}

/** The body of a request, or with `onData` each piece when it comes; `isCut` where it broke off. */
export async function readBody(request: IncomingMessage, onData?: (chunk: Buffer) => void): Promise<{ bytes: Buffer; isCut: boolean }> {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => (onData === undefined ? chunks.push(chunk) : onData(chunk)));
  const isCut = await Promise.race([once(request, "end").then(() => false), once(request, "close").then(() => !request.complete)]).catch(
    () => true,
  );
  return { bytes: Buffer.concat(chunks), isCut };
}

export function contentDigest(quirks: RegistryQuirks, digest: string): Record<string, string> {
  if (quirks.contentDigest === "absent") return {};
  return { "docker-content-digest": quirks.contentDigest === "wrong" ? `sha256:${"0".repeat(64)}` : digest };
}
