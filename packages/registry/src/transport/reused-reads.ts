import type { Socket } from "node:net";
import { buildConnector } from "undici";

/** Each connection reads into a buffer of this size. */
const READ_BYTES: number = 256 * 1024;
/**
 * The longest head of a response. undici keeps parts of a head until it is complete, so only a read that is longer than this is passed on without a
 * copy: it is a body, or completes a head.
 */
export const MAX_HEAD_BYTES: number = 16 * 1024;

/**
 * Returns a connector for undici whose connections read into one buffer each, instead of a new one for every read: without it, making and
 * collecting these buffers takes more time than receiving them. So a chunk of a body is valid only while the handler that gets it runs.
 */
export function reusingConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  const sessions = new Map<string, Buffer>();
  return (target, callback) => {
    const reads = new ReusedReads();
    const name = `${target.hostname}:${target.port}`;
    const session = sessions.get(name);
    const onread = { buffer: reads.buffer, callback: (count: number) => reads.arrived(count) };
    const connect = buildConnector({ ...options, ...(session !== undefined && { session }), onread } as buildConnector.BuildOptions);
    connect(target, (...result) => {
      const [error, socket] = result;
      if (error === null && socket !== null) {
        reads.attach(socket);
        socket.on("session", (newer: Buffer) => sessions.set(name, newer));
      }
      callback(...result);
    });
  };
}

/** What arrived at one socket: `onread` of the socket feeds it, and `read()` takes from it, as from any readable stream. */
class ReusedReads {
  readonly buffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #socket: Socket | undefined;
  /** What the reader has not taken yet: only the chunk that has just arrived is not a copy. */
  #waiting: Buffer[] = [];

  /** Returns whether to go on reading; TLS delivers what it has decrypted all the same. */
  arrived(count: number): boolean {
    const chunk = this.buffer.subarray(0, count);
    if (this.#waiting.length > 0) {
      this.#waiting.push(Buffer.from(chunk));
      return false;
    }
    this.#waiting.push(count > MAX_HEAD_BYTES ? chunk : Buffer.from(chunk));
    this.#socket?.emit("readable");
    // What the reader left, because it is paused; `read()` starts reading again.
    this.#waiting = this.#waiting.map((left) => Buffer.from(left));
    return this.#waiting.length === 0;
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    const read = socket.read.bind(socket);
    socket.read = (size?: number): Buffer | null => {
      const next = size === 0 ? undefined : this.#waiting.shift();
      return next ?? (read(size) as Buffer | null);
    };
    socket.unshift = (chunk: Buffer): void => {
      if (chunk.length > 0) this.#waiting.unshift(Buffer.from(chunk));
    };
    if (this.#waiting.length > 0) process.nextTick(() => socket.emit("readable"));
  }
}
