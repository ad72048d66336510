import type { IncomingMessage } from "node:http";

/** How a {@link startTestRegistry | test registry} departs from distribution-spec 1.1; without any quirk it follows it. */
export interface RegistryQuirks {
  /** What `GET /v2/<name>/referrers/<digest>` answers; `"html"` is a redirect to a sign-in page, `"false-200"` an empty JSON object. */
  referrers?: "api" | 404 | 405 | 400 | "html" | "false-200";
  /** Send `OCI-Subject` for a manifest with a subject (default: only where the Referrers API works). */
  ociSubject?: boolean;
  /** A list of referrers stays as it was when it was first asked for. */
  cachedReferrers?: boolean;
  /** Every so many pushes of a referrer, the API does not list it until it is pushed again: a server that updates its lists without a lock. */
  losesReferrerEvery?: number;
  /** Apply `?artifactType=` and say so (default: true). `"silent"`: neither. */
  filters?: boolean | "silent";
  /** Entries of one page of a referrers list (default: all). */
  referrersPage?: number;
  /** Tags of one page (default: what the client asks for). */
  tagsPage?: number;
  /** `n` above this is answered with 400. */
  maxTagsAsked?: number;
  /** The last page of a list leads to itself. */
  endlessLink?: boolean;
  /** `Docker-Content-Digest` on answers. */
  contentDigest?: "right" | "absent" | "wrong";
  /** `ETag` on manifests; `"enforced"`: `If-Match` and `If-None-Match` count for PUT, `"ignored"`: they do not. */
  etag?: "enforced" | "ignored";
  /** After a tag was overwritten it is answered with 500 that many times. */
  errorsAfterRewrite?: number;
  /** `PATCH` of an upload is answered with 405. */
  noChunks?: boolean;
  /** The largest body of a `PATCH`; beyond it 416. */
  maxPatch?: number;
  /** The largest body of the closing `PUT`; beyond it 413. */
  maxPut?: number;
  /** `OCI-Chunk-Min-Length` of an upload. */
  chunkMinLength?: number;
  /** `Range` after a `PATCH` stays that of the first one, although all is stored. */
  staleRange?: boolean;
  /** `PATCH` is answered with 201. */
  patchCreated?: boolean;
  /** The status of an upload that was cut is 404, as docker-registry answers. */
  forgetsCutUploads?: boolean;
  /** `Location` of an upload is relative (default: absolute). */
  relativeLocation?: boolean;
  /** Repeated puts are answered with 202. */
  repeatedPut202?: boolean;
  /** `?mount=` works (default: true). */
  mount?: boolean;
  /** `DELETE` of tags, or of anything, is refused (default: it works). */
  refuseDelete?: "tags" | "all";
  /** Manifests with another `artifactType` or config type are answered with 400 MANIFEST_INVALID. */
  allowedArtifactTypes?: readonly string[];
  /** Manifests whose blobs or children are absent are accepted. */
  acceptsDangling?: boolean;
  /** `Content-Length` of blobs and manifests is too small by this many bytes, and so is the body. */
  missingBytes?: number;
  /** `Content-Type` of manifests. */
  manifestType?: string;
  /** What is sent in the place of every manifest, as a stream of that many bytes. */
  hugeManifest?: number;
  /** Bytes of blobs are other ones of the same number. */
  lyingBlobs?: boolean;
  /** A `Warning: 299` header on every answer. */
  warning?: string;
  /** Ranges are ignored: 200 with the whole content. */
  noRanges?: boolean;
  /** Refuse requests without a credential; answers a `WWW-Authenticate` header, or undefined to let the request pass. */
  authorize?: (request: IncomingMessage, scope: string) => string | undefined;
}
