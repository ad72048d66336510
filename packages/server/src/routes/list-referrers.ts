import { type Descriptor, IMAGE_INDEX } from "@ocilot/layout";
import { responseText } from "@ocilot/referrers";
import type { Answer } from "../protocol/answer.js";
import { digestOfRoute, type Endpoint } from "./endpoint.js";
import { pageOf } from "./pagination.js";

/** Texts of answers by the list that they were made from: the same list is asked for again and again. */
const texts: WeakMap<readonly Descriptor[], Map<string, Answer>> = new WeakMap();
const MAX_TEXTS = 20;

/**
 * Lists the referrers of a manifest (end-12a, end-12b), merged from every convention of the layout. A page ends before it is larger
 * than clients read.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export const listReferrers: Endpoint = async (exchange) => {
  const subject = digestOfRoute(exchange);
  const { parts, request, route } = exchange;
  // A 404 would make clients believe that there is no Referrers API.
  const repository = await parts.repositories.find(route.name);
  const lines = (await repository?.referrers(subject)) ?? [];
  const query = new URLSearchParams();
  for (const key of ["artifactType", "n", "last"]) for (const value of request.query.getAll(key)) query.append(key, value);
  const known = texts.get(lines) ?? new Map<string, Answer>();
  if (lines.length > 0) texts.set(lines, known);
  const key = `${route.name} ${query.toString()}`;
  const there = known.get(key);
  if (there !== undefined) return there;
  const answer = referrersPage(lines, { path: `/v2/${route.name}/referrers/${subject}`, query, maxBytes: parts.limits.maxReferrersBytes });
  if (known.size < MAX_TEXTS) known.set(key, answer);
  return answer;
};

/** One page of referrers as an answer. Pure. */
export function referrersPage(
  lines: readonly Descriptor[],
  { path, query, maxBytes }: { readonly path: string; readonly query: URLSearchParams; readonly maxBytes: number },
): Answer {
  const types = query.getAll("artifactType").filter((type) => type !== "");
  const wanted = types.length === 0 ? lines : lines.filter((d) => types.includes(d.artifactType ?? ""));
  let limit = wanted.length;
  for (;;) {
    const page = pageOf(wanted, (d) => d.digest, { path, query, limit });
    const body = responseText(page.items);
    const size = Buffer.byteLength(body);
    if (size > maxBytes && page.items.length > 1) {
      // Lines are much alike, so the second try mostly fits.
      limit = Math.max(1, Math.min(page.items.length - 1, Math.floor((page.items.length * maxBytes * 0.95) / size)));
      continue;
    }
    return {
      status: 200,
      headers: {
        "content-type": IMAGE_INDEX,
        ...(types.length > 0 && { "oci-filters-applied": "artifactType" }),
        ...(page.link !== undefined && { link: page.link }),
      },
      body,
    };
  }
}
