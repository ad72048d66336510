import { empty } from "../protocol/answer.js";
import { type Endpoint, uploadOf } from "./endpoint.js";

/**
 * Ends an upload without a blob (end-14).
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#cancel-a-blob-upload
 */
export const cancelUpload: Endpoint = async (exchange) => {
  await exchange.parts.uploads.cancel(await uploadOf(exchange));
  return empty(204);
};
