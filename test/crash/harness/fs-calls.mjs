import fs from "node:fs";
import fsp from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";

/*
 * Puts a watcher around the calls of node:fs, so that a test can kill, fail or delay at any one of them without a hook
 * in the product. A call is { name, path, isWrite }; the watcher may throw or, where the call gives a promise, wait.
 */

const WRITES = [
  "appendFile",
  "chmod",
  "copyFile",
  "cp",
  "link",
  "mkdir",
  "rename",
  "rm",
  "rmdir",
  "symlink",
  "truncate",
  "unlink",
  "utimes",
];
const READS = ["access", "lstat", "opendir", "readdir", "readFile", "readlink", "realpath", "stat"];
const ON_HANDLE = { chmod: true, datasync: true, read: false, readFile: false, stat: false, sync: true, truncate: true, utimes: true };
const ON_FD = { close: false, fchmod: true, fdatasync: true, fstat: false, fsync: true, ftruncate: true, read: false, write: true };

const paths = new Map();
let watcher;

/** `before(call)` and `after(call)` around each call, which then bears its `result`; undefined ends it. */
export function watchCalls(calls) {
  watcher = calls;
}

/** What can write half of what it should before it ends. */
function halved(name, args) {
  const bytes = typeof args[1] === "string" ? Buffer.from(args[1]) : args[1];
  return name === "writeFile" ? [args[0], bytes.subarray(0, bytes.length >> 1), ...args.slice(2)] : args;
}

function describe(name, args, isWrite) {
  const [first, second] = args;
  const path = typeof first === "number" ? paths.get(first) : String(first);
  return { name, path, to: typeof second === "string" ? second : undefined, isWrite };
}

function opensForWriting(flags = "r") {
  if (typeof flags === "number") return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0;
  return flags !== "r" && flags !== "rs";
}

function wrapAsync(original, name, isWrite, half) {
  return async function (...args) {
    const call = describe(name, args, isWrite(args));
    if (half !== undefined) call.half = () => original.apply(this, half(args));
    await watcher?.before(call);
    try {
      call.result = await original.apply(this, args);
      if (name === "open") paths.set(call.result.fd, call.path);
      return call.result;
    } finally {
      await watcher?.after(call);
    }
  };
}

/** Standard output and error are how a worker reports; they are not the layout. */
function isStandard(args) {
  return typeof args[0] === "number" && args[0] <= 2;
}

function wrapSync(original, name, isWrite) {
  const wrapped = function (...args) {
    if (isStandard(args)) return original.apply(this, args);
    const call = describe(name, args, isWrite(args));
    watcher?.before(call);
    try {
      call.result = original.apply(this, args);
      if (name === "open") paths.set(call.result, call.path);
      return call.result;
    } finally {
      watcher?.after(call);
    }
  };
  return Object.assign(wrapped, original);
}

function wrapCallback(original, name, isWrite) {
  const wrapped = function (...args) {
    if (isStandard(args) || typeof args.at(-1) !== "function") return original.apply(this, args);
    const done = args.pop();
    const call = describe(name, args, isWrite(args));
    const go = () =>
      original.call(this, ...args, (...result) => {
        watcher?.after(call);
        done(...result);
      });
    try {
      const delay = watcher?.before(call);
      return delay === undefined ? go() : void delay.then(go, done);
    } catch (error) {
      process.nextTick(done, error);
      return undefined;
    }
  };
  return Object.assign(wrapped, original);
}

const always = (value) => () => value;
for (const [names, isWrite] of [
  [WRITES, true],
  [READS, false],
]) {
  for (const name of names) patch(name, always(isWrite));
}
patch("writeFile", always(true), (args) => halved("writeFile", args));
patch("open", (args) => opensForWriting(args[1]));
for (const [name, isWrite] of Object.entries(ON_FD)) {
  fs[`${name}Sync`] = wrapSync(fs[`${name}Sync`], name, always(isWrite));
  fs[name] = wrapCallback(fs[name], name, always(isWrite));
}

function patch(name, isWrite, half) {
  if (fsp[name] !== undefined) fsp[name] = wrapAsync(fsp[name], name, isWrite, half);
  if (fs[name] !== undefined) fs[name] = wrapCallback(fs[name], name, isWrite);
  if (fs[`${name}Sync`] !== undefined) fs[`${name}Sync`] = wrapSync(fs[`${name}Sync`], name, isWrite);
}

async function patchHandles() {
  const probe = await fsp.open(fileURLToPath(import.meta.url), "r");
  const prototype = Object.getPrototypeOf(probe);
  await probe.close();
  for (const [name, isWrite] of Object.entries(ON_HANDLE)) prototype[name] = onHandle(prototype[name], name, isWrite);
  prototype.close = onHandle(prototype.close, "close", false);
  prototype.write = onHandle(prototype.write, "write", true, ([bytes, at = 0, length = bytes.length - at]) => [bytes, at, length >> 1]);
  prototype.writeFile = onHandle(prototype.writeFile, "writeFile", true, ([bytes]) => [bytes.subarray(0, bytes.length >> 1)]);
}

function onHandle(original, name, isWrite, half) {
  return async function (...args) {
    const call = { name: `handle.${name}`, path: paths.get(this.fd), isWrite };
    if (half !== undefined) call.half = () => original.apply(this, half(args));
    await watcher?.before(call);
    try {
      return await original.apply(this, args);
    } finally {
      await watcher?.after(call);
    }
  };
}

await patchHandles();
syncBuiltinESMExports();
