import type { ServerResponse } from "node:http";
import { type Answer, bodySize } from "../protocol/answer.js";

/**
 * Content from a layout is of any type that its owner gives it. A browser that opens it must not run it with the rights of this server's page;
 * the page has a policy of its own.
 */
const SANDBOX = "default-src 'none'; sandbox";

/**
 * Sends an answer and returns the bytes of content that were sent. Content that fails on its way ends the connection: half of it
 * must not look whole.
 * @param options `idleTimeout`: milliseconds after which a client that does not read is cut off
 * @throws what opening the content throws before anything was sent, and what reading it throws after
 */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  { method, idleTimeout }: { readonly method: string; readonly idleTimeout: number },
): Promise<number> {
  const { status, headers = {}, body } = answer;
  response.statusCode = status;
  response.setHeader("content-security-policy", SANDBOX);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as string | string[]);
  response.setHeader("x-content-type-options", "nosniff");
  if (status !== 204 && status !== 304) response.setHeader("content-length", bodySize(body));
  if (body === undefined || method === "HEAD" || status === 204 || status === 304) {
    response.end();
    return 0;
  }
  if (typeof body === "string" || body instanceof Uint8Array) {
    response.end(body);
    return bodySize(body);
  }
  let sent = 0;
  // It may take its time until the digest of a large blob is known; a client that does not read is looked after below.
  response.setTimeout(0);
  try {
    for await (const piece of body.open()) {
      if (response.destroyed) break;
      sent += piece.length;
      if (!response.write(piece)) await drained(response, idleTimeout);
    }
    response.end();
    return sent;
  } catch (error) {
    response.destroy();
    throw error;
  }
}

/** Resolves when the client has read on, or is gone; one that reads nothing for `idleTimeout` milliseconds is cut off. */
async function drained(response: ServerResponse, idleTimeout: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => response.destroy(), idleTimeout);
    const done = (): void => {
      clearTimeout(timer);
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}
