import type { Digest } from "@ocilot/layout";
import { RegistryError } from "../protocol/registry-error.js";
import type { RegistryRequest } from "../protocol/request.js";

/** The entity tag of content: its digest. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

/** Tells whether a list of entity tags (`*` for any) holds that of `digest`; of nothing, if `digest` is undefined. */
export function matchesTag(header: string, digest: Digest | undefined): boolean {
  if (digest === undefined) return false;
  return header.split(",").some((item) => {
    const tag = item.trim().replace(/^W\//, "");
    return tag === "*" || tag === etagOf(digest) || tag === digest;
  });
}

/** Tells whether the client has the content already: the answer is 304. */
export function isUnchanged({ headers }: RegistryRequest, digest: Digest): boolean {
  const known = headers["if-none-match"];
  return known !== undefined && matchesTag(known, digest);
}

/** What a client asks to hold before its write is made. */
export interface Preconditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

/** The conditions of a write; none if the request names none. */
export function preconditionsOf({ headers }: RegistryRequest): Preconditions {
  const [ifMatch, ifNoneMatch] = [headers["if-match"], headers["if-none-match"]];
  return { ...(ifMatch !== undefined && { ifMatch }), ...(ifNoneMatch !== undefined && { ifNoneMatch }) };
}

/**
 * Checks the conditions of a write against what is there: compare-and-swap for tags.
 * @throws RegistryError status 412
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1
 */
export function checkPreconditions({ ifMatch, ifNoneMatch }: Preconditions, reference: string, current: Digest | undefined): void {
  const isMet = (ifMatch === undefined || matchesTag(ifMatch, current)) && (ifNoneMatch === undefined || !matchesTag(ifNoneMatch, current));
  if (isMet) return;
  throw new RegistryError("DENIED", `${reference} is ${current ?? "absent"}, which is not what the request expects`, {
    status: 412,
    ...(current !== undefined && { headers: { etag: etagOf(current) } }),
  });
}
