/** Content that is sent piece by piece. */
export interface StreamBody {
  readonly size: number;
  /** Opens the content. Called at most once, and not at all for HEAD. */
  open(): AsyncIterable<Uint8Array>;
}

/** What is to be answered; sending it is somebody else's work. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string | StreamBody;
}

/**
 * Returns an answer with a JSON document.
 * @example
 * ```ts
 * import { json } from "@ocilot/server";
 *
 * const answer = json(200, { name: "app" });
 * console.log(answer.status);
 * ```
 */
export function json(status: number, value: unknown, headers: Answer["headers"] = {}): Answer {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

/**
 * Returns an answer without content.
 * @example
 * ```ts
 * import { type Answer, empty } from "@ocilot/server";
 *
 * const teapot = async (): Promise<Answer> => empty(418);
 * console.log((await teapot()).status);
 * ```
 */
export function empty(status: number, headers: Answer["headers"] = {}): Answer {
  return { status, headers };
}

/** The number of bytes of the content. */
export function bodySize(body: Answer["body"]): number {
  if (body === undefined) return 0;
  return typeof body === "string" ? Buffer.byteLength(body) : body instanceof Uint8Array ? body.length : body.size;
}

/**
 * Collects the content of an answer; for tests and for callers inside this process.
 * @example
 * ```ts
 * import { bodyBytes, json } from "@ocilot/server";
 *
 * const { body } = json(200, { name: "app" });
 * console.log(new TextDecoder().decode(await bodyBytes(body))); // {"name":"app"}
 * ```
 */
export async function bodyBytes(body: Answer["body"]): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array[] = [];
  // A piece may be read into a buffer that is used again.
  for await (const piece of body.open()) pieces.push(Uint8Array.from(piece));
  return new Uint8Array(Buffer.concat(pieces));
}
