import { OcilotError } from "@ocilot/layout/spec";
import { headerValues } from "../transport/exchange.js";
import { invalidResponse, printable } from "../transport/errors.js";
import type { BufferedResponse } from "../transport/transport.js";
import type { Caller, ReadCall } from "./caller.js";
import { nextLink } from "./link.js";

/** After so many pages in a row without new items a list counts as endless. */
const MAX_IDLE_PAGES = 20;

/** How a list is read page by page. */
export interface PageReader {
  readonly first: ReadCall;
  /** For a person: `tags`. */
  readonly items: string;
  /** More items than this are refused. */
  readonly limit: number;
  /** Takes the items of a page; returns how many of them are new, and how many there are in all. Undefined ends the reading. */
  take(answer: BufferedResponse): { readonly added: number; readonly total: number } | undefined;
  /** The address of the next page where no `Link` names one. */
  fallback?(answer: BufferedResponse): URL | undefined;
}

/**
 * Reads a list to its end by `Link: <…>; rel="next"`, which must stay at the registry and get somewhere.
 * @throws OcilotError `RESPONSE_INVALID` for a link elsewhere or without end, `LIMIT_EXCEEDED`
 */
export async function readPages(caller: Caller, reader: PageReader): Promise<void> {
  const { host, operation } = caller.label(reader.first.operation);
  const seen = new Set<string>();
  let idle = 0;
  for (let call: ReadCall = reader.first; ;) {
    const answer = await caller.read(call);
    const taken = reader.take(answer);
    if (taken === undefined) return;
    if (taken.total > reader.limit) {
      const what = `number of ${reader.items}`;
      throw new OcilotError("LIMIT_EXCEEDED", `${host}: ${operation}: more than ${reader.limit} ${reader.items}`, {
        what,
        limit: reader.limit,
        found: taken.total,
      });
    }
    const link = nextLink(headerValues(answer, "link"));
    const next = link === undefined ? (taken.added > 0 ? reader.fallback?.(answer) : undefined) : target(link, answer.url);
    if (next === undefined && link === undefined) return;
    if (next === undefined)
      throw invalidResponse({ host, operation }, `the Link header leads outside the registry: ${printable(link ?? "", 100)}`);
    idle = taken.added > 0 ? 0 : idle + 1;
    if (seen.has(next.href) || idle === MAX_IDLE_PAGES)
      throw invalidResponse({ host, operation }, `the pages of ${reader.items} do not end`);
    seen.add(next.href);
    call = { ...reader.first, target: next };
  }
}

/** Pages are asked for with credentials, so a link may not lead anywhere else. */
function target(link: string, from: URL): URL | undefined {
  const url = URL.canParse(link, from.href) ? new URL(link, from) : undefined;
  return url?.origin === from.origin && url.username === "" && url.password === "" ? url : undefined;
}

/** The JSON of an answer; undefined where it is none. */
export function responseJson(answer: BufferedResponse): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(answer.bytes));
  } catch {
    return undefined;
  }
}
