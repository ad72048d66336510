import type { Right } from "../access/access-rules.js";
import { cancelUpload } from "./cancel-upload.js";
import { catalog } from "./catalog.js";
import { deleteBlob } from "./delete-blob.js";
import { deleteManifest } from "./delete-manifest.js";
import type { Endpoint } from "./endpoint.js";
import { finishUpload } from "./finish-upload.js";
import { getBlob } from "./get-blob.js";
import { getManifest } from "./get-manifest.js";
import { health } from "./health.js";
import { issueToken } from "./issue-token.js";
import { listReferrers } from "./list-referrers.js";
import { listTags } from "./list-tags.js";
import type { RouteId } from "./match-route.js";
import { ping } from "./ping.js";
import { putManifest } from "./put-manifest.js";
import { showMetrics } from "./show-metrics.js";
import { startUpload } from "./start-upload.js";
import { uploadStatus } from "./upload-status.js";
import { writeChunk } from "./write-chunk.js";

/** What a method of a route needs and who answers it. */
export interface EndpointRow {
  readonly endpoint: Endpoint;
  /** Needed in the repository of the path; `"account"` for no repository but somebody who is known, `"none"` for nothing. */
  readonly right: Right | "account" | "none";
  /** The ids in the table of endpoints of the specification; none for what is not of it. */
  readonly spec: readonly string[];
}

const getBlobRow: EndpointRow = { endpoint: getBlob, right: "read", spec: ["end-2"] };
const getManifestRow: EndpointRow = { endpoint: getManifest, right: "read", spec: ["end-3"] };
const tagsRow: EndpointRow = { endpoint: listTags, right: "read", spec: ["end-8a", "end-8b"] };
const referrersRow: EndpointRow = { endpoint: listReferrers, right: "read", spec: ["end-12a", "end-12b"] };
const pingRow: EndpointRow = { endpoint: ping, right: "account", spec: ["end-1"] };
const catalogRow: EndpointRow = { endpoint: catalog, right: "account", spec: [] };
const healthRow: EndpointRow = { endpoint: health, right: "none", spec: [] };
const metricsRow: EndpointRow = { endpoint: showMetrics, right: "none", spec: [] };

/**
 * Who answers what.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 */
export const ENDPOINTS: Readonly<Record<RouteId, Readonly<Record<string, EndpointRow>>>> = {
  ping: { GET: pingRow, HEAD: pingRow },
  catalog: { GET: catalogRow, HEAD: catalogRow },
  blob: { GET: getBlobRow, HEAD: getBlobRow, DELETE: { endpoint: deleteBlob, right: "delete", spec: ["end-10"] } },
  uploads: { POST: { endpoint: startUpload, right: "write", spec: ["end-4a", "end-4b", "end-11"] } },
  upload: {
    GET: { endpoint: uploadStatus, right: "write", spec: ["end-13"] },
    PATCH: { endpoint: writeChunk, right: "write", spec: ["end-5"] },
    PUT: { endpoint: finishUpload, right: "write", spec: ["end-6"] },
    DELETE: { endpoint: cancelUpload, right: "write", spec: ["end-14"] },
  },
  manifest: {
    GET: getManifestRow,
    HEAD: getManifestRow,
    PUT: { endpoint: putManifest, right: "write", spec: ["end-7"] },
    DELETE: { endpoint: deleteManifest, right: "delete", spec: ["end-9"] },
  },
  tags: { GET: tagsRow, HEAD: tagsRow },
  referrers: { GET: referrersRow, HEAD: referrersRow },
  health: { GET: healthRow, HEAD: healthRow },
  metrics: { GET: metricsRow, HEAD: metricsRow },
  // Clients that try OAuth2's POST first go on with GET after a 405.
  token: { GET: { endpoint: issueToken, right: "account", spec: [] } },
};
