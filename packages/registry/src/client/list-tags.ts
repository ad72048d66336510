import { isRecord } from "@ocilot/layout/spec";
import { isTag } from "../reference/reference.js";
import { invalidResponse } from "../transport/errors.js";
import type { Caller } from "./caller.js";
import { responseJson, readPages } from "./pages.js";
import type { ListTagsOptions } from "./types.js";

const MAX_PAGE_BYTES: number = 8 * 1024 * 1024;
const DEFAULT_LIMIT = 1_000_000;

/** @see RepositoryClient.listTags */
export async function listTags(
  caller: Caller,
  { pageSize = 1000, limit = DEFAULT_LIMIT, signal }: ListTagsOptions,
): Promise<readonly string[] | undefined> {
  const operation = "list tags";
  const tags = new Set<string>();
  let isKnown = true;
  let lastPage: readonly string[] = [];
  await readPages(caller, {
    first: {
      operation,
      method: "GET",
      target: `/tags/list?n=${pageSize}`,
      actions: ["pull"],
      accept: [200, 404],
      what: "list of tags",
      limit: MAX_PAGE_BYTES,
      signal,
    },
    items: "tags",
    limit,
    take: (answer) => {
      if (answer.status === 404) {
        isKnown = tags.size > 0;
        return undefined;
      }
      const json = responseJson(answer);
      const page = isRecord(json) ? (json["tags"] ?? []) : undefined;
      if (!Array.isArray(page)) throw invalidResponse(caller.label(operation), "the response is not a list of tags");
      // Invalid tags could not be requested.
      lastPage = page.filter((tag): tag is string => typeof tag === "string" && isTag(tag));
      const before = tags.size;
      for (const tag of lastPage) tags.add(tag);
      return { added: tags.size - before, total: tags.size };
    },
    // A full page without a link: there may be more, and a registry that ignores `last` brings nothing new.
    fallback: (answer) => {
      const last = lastPage.at(-1);
      if (last === undefined || lastPage.length !== pageSize) return undefined;
      const url = new URL(answer.url);
      url.search = `?n=${pageSize}&last=${encodeURIComponent(last)}`;
      return url;
    },
  });
  return isKnown ? [...tags] : undefined;
}
