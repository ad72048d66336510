import { type Exchange, contentDigest, fail, readBody, send } from "./exchange.js";
import { type Upload, digestOfBytes } from "./registry-state.js";

/** `/v2/<name>/blobs/<digest>` */
export function blobRoute(exchange: Exchange, digest: string): void {
  const { request, repository, quirks } = exchange;
  if (request.method === "DELETE") {
    if (quirks.refuseDelete === "all") return fail(exchange, 405, "UNSUPPORTED");
    return repository.blobs.delete(digest) ? send(exchange, 202) : fail(exchange, 404, "BLOB_UNKNOWN");
  }
  if (request.method !== "GET" && request.method !== "HEAD") return fail(exchange, 405, "UNSUPPORTED");
  const stored = repository.blobs.get(digest);
  if (stored === undefined) return fail(exchange, 404, "BLOB_UNKNOWN");
  const honest = quirks.lyingBlobs === true ? Buffer.alloc(stored.length, 0x78) : stored;
  const bytes = honest.subarray(0, Math.max(honest.length - (quirks.missingBytes ?? 0), 0));
  const headers = { "content-type": "application/octet-stream", ...contentDigest(quirks, digest) };
  const range = quirks.noRanges === true ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (range === null) return send(exchange, 200, { ...headers, ...(quirks.noRanges !== true && { "accept-ranges": "bytes" }) }, bytes);
  const start = Number(range[1]);
  const end = Math.min(range[2] === "" ? bytes.length - 1 : Number(range[2]), bytes.length - 1);
  if (start > end) return send(exchange, 416, { "content-range": `bytes */${bytes.length}` });
  send(exchange, 206, { ...headers, "content-range": `bytes ${start}-${end}/${bytes.length}` }, bytes.subarray(start, end + 1));
}

/** `/v2/<name>/blobs/uploads/[<id>]` */
export async function uploadRoute(exchange: Exchange, id: string): Promise<void> {
  const { request, repository, quirks, url } = exchange;
  if (request.method === "POST" && id === "") return await startUpload(exchange);
  const upload = repository.uploads.get(id);
  if (upload === undefined) return fail(exchange, 404, "BLOB_UPLOAD_UNKNOWN");
  if (request.method === "GET") {
    if (upload.wasCut === true && quirks.forgetsCutUploads === true) {
      repository.uploads.delete(id);
      return fail(exchange, 404, "BLOB_UPLOAD_INVALID");
    }
    return send(exchange, 204, progressOf(exchange, upload));
  }
  if (request.method === "DELETE") {
    repository.uploads.delete(id);
    return send(exchange, 204);
  }
  if (request.method === "PATCH") return await patchUpload(exchange, upload);
  if (request.method !== "PUT") return fail(exchange, 405, "UNSUPPORTED");
  const before = upload.size;
  const { isCut } = await readBody(request, (chunk) => append(upload, chunk));
  if (isCut) return void (upload.wasCut = true);
  if (quirks.maxPut !== undefined && upload.size - before > quirks.maxPut) return fail(exchange, 413, "SIZE_INVALID");
  finish(exchange, upload, url.searchParams.get("digest") ?? "");
}

async function startUpload(exchange: Exchange): Promise<void> {
  const { request, repository, repositories, quirks, url } = exchange;
  const { bytes } = await readBody(request);
  const mount = url.searchParams.get("mount");
  const from = url.searchParams.get("from");
  const found = mount === null || quirks.mount === false ? undefined : repositories.get(from ?? "")?.blobs.get(mount);
  if (mount !== null && found !== undefined) {
    repository.blobs.set(mount, found);
    return send(exchange, 201, { location: `/v2/${exchange.name}/blobs/${mount}`, ...contentDigest(quirks, mount) });
  }
  const upload = repository.startUpload();
  const digest = url.searchParams.get("digest");
  if (digest !== null && bytes.length > 0) {
    append(upload, bytes);
    return finish(exchange, upload, digest);
  }
  const { range: _, ...headers } = progressOf(exchange, upload);
  send(exchange, 202, { ...headers, ...(quirks.chunkMinLength !== undefined && { "oci-chunk-min-length": quirks.chunkMinLength }) });
}

async function patchUpload(exchange: Exchange, upload: Upload): Promise<void> {
  const { request, quirks } = exchange;
  if (quirks.noChunks === true) return fail(exchange, 405, "UNSUPPORTED", "chunked uploads are not supported");
  const length = Number(request.headers["content-length"] ?? 0);
  if (quirks.maxPatch !== undefined && length > quirks.maxPatch) {
    request.resume();
    return fail(exchange, 416, "SIZE_INVALID", "request body is too large");
  }
  const range = /^(\d+)-(\d+)$/.exec(request.headers["content-range"] ?? "");
  if (range !== null && Number(range[1]) !== upload.size) {
    request.resume();
    return send(exchange, 416, progressOf(exchange, upload));
  }
  const { isCut } = await readBody(request, (chunk) => append(upload, chunk));
  if (isCut) return void (upload.wasCut = true);
  upload.firstEnd ??= upload.size;
  send(exchange, quirks.patchCreated === true ? 201 : 202, progressOf(exchange, upload));
}

function append(upload: Upload, bytes: Buffer): void {
  upload.bytes.push(bytes);
  upload.size += bytes.length;
}

function finish(exchange: Exchange, upload: Upload, digest: string): void {
  const { repository, quirks, name } = exchange;
  repository.uploads.delete(upload.id);
  const bytes = Buffer.concat(upload.bytes);
  const algorithm = digest.slice(0, digest.indexOf(":"));
  if (!["sha256", "sha512"].includes(algorithm) || digestOfBytes(bytes, algorithm) !== digest) return fail(exchange, 400, "DIGEST_INVALID");
  repository.blobs.set(digest, bytes);
  send(exchange, 201, { location: `/v2/${name}/blobs/${digest}`, ...contentDigest(quirks, digest) });
}

function progressOf({ request, quirks, name }: Exchange, upload: Upload): Record<string, string> {
  const end = quirks.staleRange === true ? (upload.firstEnd ?? upload.size) : upload.size;
  const path = `/v2/${name}/blobs/uploads/${upload.id}?_state=${upload.size}`;
  const isSecure = "encrypted" in request.socket;
  return {
    location: quirks.relativeLocation === true ? path : `http${isSecure ? "s" : ""}://${request.headers.host}${path}`,
    "docker-upload-uuid": upload.id,
    range: `0-${Math.max(end - 1, 0)}`,
  };
}
