import { type Exchange, fail, send } from "./exchange.js";
import { documentOf } from "./registry-state.js";

const INDEX = "application/vnd.oci.image.index.v1+json";

/** `/v2/<name>/tags/list` */
export function tagsRoute(exchange: Exchange): void {
  const { repository, quirks, url, name } = exchange;
  if (repository.manifests.size === 0 && repository.blobs.size === 0) return fail(exchange, 404, "NAME_UNKNOWN");
  const asked = url.searchParams.has("n") ? Number(url.searchParams.get("n")) : Infinity;
  if (asked > (quirks.maxTagsAsked ?? Infinity) && asked !== Infinity) return fail(exchange, 400, "PAGINATION_NUMBER_INVALID");
  const last = url.searchParams.get("last") ?? "";
  const rest = [...repository.tags.keys()].toSorted().filter((tag) => tag > last);
  const page = rest.slice(0, Math.min(asked, quirks.tagsPage ?? Infinity));
  const hasMore = page.length < rest.length || quirks.endlessLink === true;
  const link = `</v2/${name}/tags/list?n=${page.length}&last=${encodeURIComponent(page.at(-1) ?? last)}>; rel="next"`;
  send(exchange, 200, { "content-type": "application/json", ...(hasMore && { link }) }, JSON.stringify({ name, tags: page }));
}

/** `/v2/<name>/referrers/<digest>` */
export function referrersRoute(exchange: Exchange, subject: string): void {
  const { repository, quirks, url, name } = exchange;
  const mode = quirks.referrers ?? "api";
  if (typeof mode === "number") return fail(exchange, mode, mode === 404 ? "NOT_FOUND" : "UNSUPPORTED");
  if (mode === "html") return send(exchange, 302, { location: "/signin" });
  if (mode === "false-200") return send(exchange, 200, { "content-type": "application/json" }, "{}");
  const now = repository.referrersOf(subject);
  const cached = repository.cachedLists.get(subject) ?? now;
  if (quirks.cachedReferrers === true) repository.cachedLists.set(subject, cached);
  const type = url.searchParams.get("artifactType");
  const doesFilter = type !== null && quirks.filters !== false && quirks.filters !== "silent";
  const lines = (quirks.cachedReferrers === true ? cached : now)
    .flatMap((digest) => lineOf(exchange, digest))
    .filter((line) => !doesFilter || line["artifactType"] === type);
  const start = Number(url.searchParams.get("start") ?? 0);
  const end = start + (quirks.referrersPage ?? Infinity);
  const hasMore = end < lines.length || quirks.endlessLink === true;
  const next = quirks.endlessLink === true ? start : end;
  const link = `</v2/${name}/referrers/${subject}?start=${next}${type === null ? "" : `&artifactType=${encodeURIComponent(type)}`}>; rel="next"`;
  send(
    exchange,
    200,
    { "content-type": INDEX, ...(doesFilter && { "oci-filters-applied": "artifactType" }), ...(hasMore && { link }) },
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: lines.slice(start, end) }),
  );
}

function lineOf({ repository }: Exchange, digest: string): Record<string, unknown>[] {
  const found = repository.find(digest);
  const document = found && documentOf(found);
  if (found === undefined || document === undefined) return [];
  const artifactType = document["artifactType"] || document["config"]?.mediaType;
  const annotations = document["annotations"];
  return [
    {
      mediaType: found.mediaType,
      digest,
      size: found.bytes.length,
      ...(annotations && Object.keys(annotations).length > 0 && { annotations }),
      ...(artifactType && { artifactType }),
    },
  ];
}
