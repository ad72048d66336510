import { RegistryError } from "./registry-error.js";
import { type RegistryRequest, contentLength } from "./request.js";

/**
 * Returns the whole body of a request.
 * @throws RegistryError `SIZE_INVALID` beyond `maxBytes`, `MANIFEST_INVALID` status 408 when it does not come in `timeout`
 * milliseconds
 */
export async function readBody(
  request: RegistryRequest,
  { maxBytes, timeout }: { readonly maxBytes: number; readonly timeout: number },
): Promise<Uint8Array> {
  if ((contentLength(request) ?? 0) > maxBytes) throw tooLarge(maxBytes);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RegistryError("MANIFEST_INVALID", "the body did not come in time", { status: 408 })), timeout);
    timer.unref();
  });
  late.catch(() => undefined);
  const pieces: Uint8Array[] = [];
  let size = 0;
  const iterator = request.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await Promise.race([iterator.next(), late]);
      if (done === true) return Buffer.concat(pieces, size);
      size += value.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      pieces.push(value);
    }
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(limit: number): RegistryError {
  return new RegistryError("SIZE_INVALID", `a manifest may have ${limit} bytes here`);
}
