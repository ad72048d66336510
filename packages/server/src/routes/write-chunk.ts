import { type Endpoint, uploadOf } from "./endpoint.js";
import { takeBody, uploadAnswer } from "./upload-answers.js";

/**
 * Appends a chunk to an upload (end-5). What arrives before a cut stays.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export const writeChunk: Endpoint = async (exchange) => {
  const session = await uploadOf(exchange);
  await session.exclusively(async (signal) => await takeBody(exchange, session, signal));
  return uploadAnswer(202, session);
};
