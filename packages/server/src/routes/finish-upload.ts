import { type Endpoint, uploadOf } from "./endpoint.js";
import { blobStored, digestParameter, takeBody } from "./upload-answers.js";

/**
 * Ends an upload (end-6), with the last chunk or the whole blob as its body.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export const finishUpload: Endpoint = async (exchange) => {
  const { uploads } = exchange.parts;
  const session = await uploadOf(exchange);
  const digest = digestParameter(exchange);
  return await session.exclusively(async (signal) => {
    await takeBody(exchange, session, signal);
    try {
      await session.finish(digest);
    } finally {
      uploads.forget(session);
    }
    return blobStored(session.repository, digest);
  });
};
