import { type Endpoint, uploadOf } from "./endpoint.js";
import { uploadAnswer } from "./upload-answers.js";

/**
 * Says how far an upload has come (end-13): a client that was cut off goes on from there.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export const uploadStatus: Endpoint = async (exchange) => {
  const session = await uploadOf(exchange);
  // The client is about to continue; an old connection must not add bytes after this answer.
  await session.exclusively(async () => undefined);
  return uploadAnswer(204, session);
};
