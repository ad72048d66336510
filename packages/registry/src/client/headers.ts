import { type Digest, isDigest } from "@ocilot/layout/spec";
import { type HttpResponse, header } from "../transport/exchange.js";

type Headed = Pick<HttpResponse, "headers">;

/** `Content-Type` without its parameters, in lower case; empty where there is none. */
export function contentType(answer: Headed): string {
  return (header(answer, "content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** `Content-Length` in bytes; undefined where there is none that can be read. */
export function contentLength(answer: Headed): number | undefined {
  const value = header(answer, "content-length");
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** A header with a digest; undefined for anything else in it. */
export function digestHeader(answer: Headed, name: string): Digest | undefined {
  const value = header(answer, name);
  return isDigest(value) ? value : undefined;
}

/** `Content-Range: bytes FIRST-LAST/TOTAL`; the total is undefined where it is `*`. */
export function contentRange(answer: Headed): { readonly first: number; readonly total: number | undefined } | undefined {
  const match = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(header(answer, "content-range") ?? "");
  return match === null ? undefined : { first: Number(match[1]), total: match[2] === "*" ? undefined : Number(match[2]) };
}

/**
 * The number of bytes that `Range: 0-LAST` of an upload session stands for. `0-0` is how docker's registry says that there
 * are none; a single byte is not worth keeping.
 */
export function receivedBytes(answer: Headed): number {
  const match = /^(?:bytes[= ])?0-(\d{1,15})$/.exec((header(answer, "range") ?? "").trim());
  const last = match === null ? 0 : Number(match[1]);
  return last === 0 ? 0 : last + 1;
}
