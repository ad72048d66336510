import { type Exchange, contentDigest, fail, readBody, send } from "./exchange.js";
import { digestOfBytes, documentOf, subjectOf } from "./registry-state.js";

const MAX_MANIFEST = 4 * 1024 * 1024;

/** `/v2/<name>/manifests/<reference>` */
export async function manifestRoute(exchange: Exchange, reference: string): Promise<void> {
  const { method } = exchange.request;
  if (method === "GET" || method === "HEAD") getManifest(exchange, reference);
  else if (method === "PUT") await putManifest(exchange, reference);
  else if (method === "DELETE") deleteManifest(exchange, reference);
  else fail(exchange, 405, "UNSUPPORTED");
}

function getManifest(exchange: Exchange, reference: string): void {
  const { request, repository, quirks, response } = exchange;
  const unsettled = repository.unsettled.get(reference) ?? 0;
  if (unsettled > 0) {
    repository.unsettled.set(reference, unsettled - 1);
    return fail(exchange, 500, "UNKNOWN", "unknown error");
  }
  const found = repository.find(reference);
  if (found === undefined) return fail(exchange, 404, repository.manifests.size === 0 ? "NAME_UNKNOWN" : "MANIFEST_UNKNOWN");
  const etag = `"${found.digest}"`;
  if (quirks.etag !== undefined && request.headers["if-none-match"] === etag) return send(exchange, 304, { etag });
  const headers = {
    "content-type": quirks.manifestType ?? found.mediaType,
    ...contentDigest(quirks, found.digest),
    ...(quirks.etag !== undefined && { etag }),
  };
  if (quirks.hugeManifest !== undefined) return sendHuge(exchange, quirks.hugeManifest, headers);
  const body =
    quirks.missingBytes === undefined ? found.bytes : found.bytes.subarray(0, Math.max(found.bytes.length - quirks.missingBytes, 0));
  if (request.method === "HEAD") {
    response.writeHead(200, { ...headers, "content-length": body.length });
    response.end();
  } else send(exchange, 200, headers, body);
}

/** As much as is asked for, made while it is sent. */
function sendHuge({ response, request }: Exchange, size: number, headers: Record<string, string>): void {
  response.writeHead(200, { ...headers, "content-length": size });
  if (request.method === "HEAD") return void response.end();
  const piece = Buffer.alloc(1 << 16, 0x20);
  let left = size;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      const n = Math.min(left, piece.length);
      left -= n;
      if (!response.write(piece.subarray(0, n))) return void response.once("drain", more);
    }
    response.end();
  };
  more();
}

async function putManifest(exchange: Exchange, reference: string): Promise<void> {
  const { request, repository, quirks } = exchange;
  const { bytes, isCut } = await readBody(request);
  if (isCut) return;
  if (bytes.length > MAX_MANIFEST) return fail(exchange, 413, "SIZE_INVALID");
  const document = documentOf({ bytes });
  const mediaType = request.headers["content-type"] ?? "";
  if (document === undefined || typeof document !== "object") return fail(exchange, 400, "MANIFEST_INVALID", "not JSON");
  if (document["mediaType"] !== undefined && document["mediaType"] !== mediaType)
    return fail(exchange, 400, "MANIFEST_INVALID", "mediaType differs from Content-Type");
  const type = document["artifactType"] ?? document["config"]?.mediaType;
  if (quirks.allowedArtifactTypes !== undefined && type !== undefined && !quirks.allowedArtifactTypes.includes(type))
    return fail(exchange, 400, "MANIFEST_INVALID", `unknown media type: ${type}`);
  const absent = quirks.acceptsDangling === true ? undefined : absentPart(exchange, document);
  if (absent !== undefined) return fail(exchange, 400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", { digest: absent });
  const isDigest = reference.includes(":");
  const algorithm = isDigest ? reference.slice(0, reference.indexOf(":")) : "sha256";
  if (isDigest && digestOfBytes(bytes, algorithm) !== reference) return fail(exchange, 400, "DIGEST_INVALID");
  const old = repository.tags.get(reference);
  if (quirks.etag === "enforced" && !isPreconditionMet(exchange, old ?? (repository.manifests.has(reference) ? reference : undefined)))
    return fail(exchange, 412, "MANIFEST_INVALID", "precondition failed");
  const isKnown = repository.find(reference)?.digest === digestOfBytes(bytes, algorithm);
  const digest = repository.putManifest(bytes, mediaType, algorithm);
  if (!isDigest) {
    repository.tags.set(reference, digest);
    if (old !== undefined && quirks.errorsAfterRewrite !== undefined) repository.unsettled.set(reference, quirks.errorsAfterRewrite);
  }
  const subject = subjectOf({ bytes, mediaType, pushed: 0 });
  if (subject !== undefined) loseSome(exchange, digest);
  const tellsSubject = quirks.ociSubject ?? (quirks.referrers ?? "api") === "api";
  send(exchange, isKnown && quirks.repeatedPut202 === true ? 202 : 201, {
    location: `/v2/${exchange.name}/manifests/${digest}`,
    ...contentDigest(quirks, digest),
    ...(subject !== undefined && tellsSubject && { "oci-subject": subject }),
  });
}

function isPreconditionMet({ request }: Exchange, digest: string | undefined): boolean {
  const { "if-match": match, "if-none-match": noneMatch } = request.headers;
  if (match !== undefined && match !== "*" && match !== `"${digest}"`) return false;
  return noneMatch !== "*" || digest === undefined;
}

/** The lost update of a server that reads, adds and writes its list of referrers without a lock. */
function loseSome({ repository, quirks }: Exchange, digest: string): void {
  const isLost = quirks.losesReferrerEvery !== undefined && ++repository.referrerPushes % quirks.losesReferrerEvery === 0;
  if (isLost) repository.forgotten.add(digest);
  else repository.forgotten.delete(digest);
}

// eslint-disable-next-line typescript/no-explicit-any
function absentPart({ repository }: Exchange, document: Record<string, any>): string | undefined {
  const blobs = [document["config"], ...(document["layers"] ?? []), ...(document["blobs"] ?? [])].filter((d) => d !== undefined);
  const blob = blobs.find((d) => !repository.blobs.has(d.digest) && !(d.urls?.length > 0));
  const child = (document["manifests"] ?? []).find(
    (d: { digest: string }) => !repository.manifests.has(d.digest) && !repository.blobs.has(d.digest),
  );
  return (blob ?? child)?.digest;
}

function deleteManifest(exchange: Exchange, reference: string): void {
  const { repository, quirks } = exchange;
  const isTag = !reference.includes(":");
  if (quirks.refuseDelete === "all" || (quirks.refuseDelete === "tags" && isTag)) return fail(exchange, isTag ? 400 : 405, "UNSUPPORTED");
  const found = repository.find(reference);
  if (found === undefined) return fail(exchange, 404, "MANIFEST_UNKNOWN");
  if (isTag) repository.tags.delete(reference);
  else {
    repository.manifests.delete(found.digest);
    for (const [tag, digest] of repository.tags) if (digest === found.digest) repository.tags.delete(tag);
  }
  send(exchange, 202);
}
