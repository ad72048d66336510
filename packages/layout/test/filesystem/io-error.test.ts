import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OcilotError, isIoFailure } from "../../src/index.js";
import { ioError } from "../../src/filesystem/io-error.js";
import { tempDir } from "../helpers.js";

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: failed`), { code, syscall: "open", path });
}

describe("rights and other programs are no damage", () => {
  test.each(["EACCES", "EPERM", "EROFS", "EBUSY", "ETXTBSY"])("%s is ACCESS_DENIED, with one command", (errno) => {
    const file = join(tempDir(), "it's a blob");
    writeFileSync(file, "");
    const error = ioError(failure(errno, file), "blobs/sha256/x") as OcilotError;
    expect(error).toMatchObject({ code: "ACCESS_DENIED", details: { path: "blobs/sha256/x", errno, syscall: "open" } });
    expect(error.message).toContain(errno);
    expect(error.hint).toMatch(/chmod|lsof|ocilot copy/);
    expect(error.hint).not.toMatch(/repair|restore/);
    if (errno !== "EROFS") expect(error.hint).toContain(String.raw`'\''s a blob'`);
    expect(isIoFailure(error)).toBe(true);
  });

  test("the command fits the owner: chmod for one's own file, chown for another's", () => {
    const file = join(tempDir(), "blob");
    writeFileSync(file, "");
    expect((ioError(failure("EACCES", file), "x") as OcilotError).hint).toBe(`Give yourself access with: chmod u+rwX ${file}`);
    const dir = tempDir();
    expect((ioError(failure("EACCES", join(dir, "new")), "x") as OcilotError).hint).toBe(`Give yourself access with: chmod u+rwX ${dir}`);
    expect((ioError(failure("EACCES", "gone/x"), "x") as OcilotError).hint).toContain(`sudo chown "$(id -un)" gone/x`);
    if (process.getuid?.() === 0) {
      chownSync(file, 65_534, 65_534);
      expect((ioError(failure("EACCES", file), "x") as OcilotError).hint).toContain("sudo chown");
    }
  });
});

test.each(["ENOSPC", "EIO", "EMFILE", "ENOENT"])("%s is IO_ERROR", (errno) => {
  const error = ioError(failure(errno, "/x"), "x");
  expect(error).toMatchObject({ code: "IO_ERROR", details: { errno } });
  expect(isIoFailure(error)).toBe(true);
});

test("what is no file-system error is returned as it is", () => {
  for (const error of [new TypeError("bug"), new OcilotError("ABORTED", "x", {})]) expect(ioError(error, "x")).toBe(error);
  expect(isIoFailure(new OcilotError("BLOB_NOT_FOUND", "x", { digest: "sha256:0" }))).toBe(false);
});
