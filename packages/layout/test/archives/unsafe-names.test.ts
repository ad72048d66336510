import { expect, test } from "vitest";
import { gnuLong, layoutMembers, pax, refusal, tar } from "./tar-maker.js";

const NAMES = ["../evil", "blobs/../../evil", "blobs/sha256/..", "..", "/etc/passwd", "//x", "C:\\x", "c:/x", "..\\evil", "a\\..\\b"];

test.each(NAMES)("a member named %j is refused, whatever kind of header says so", async (name) => {
  for (const members of [
    [{ name, body: "x" }],
    [pax({ path: name }), { name: "x", body: "x" }],
    [gnuLong(name), { name: "x", body: "x" }],
  ]) {
    const error = await refusal(tar([...layoutMembers(), ...members]));
    expect(error).toMatchObject({ code: "UNSAFE_NAME", details: { name } });
    expect(error.message).toContain(JSON.stringify(name));
  }
});

test("the prefix field of a header belongs to the name", async () => {
  expect((await refusal(tar([...layoutMembers(), { name: "evil", prefix: "../..", body: "x" }]))).code).toBe("UNSAFE_NAME");
});

test("directories are held to the same", async () => {
  expect((await refusal(tar([{ name: "../", type: "5" }, ...layoutMembers()]))).code).toBe("UNSAFE_NAME");
});

test("a name that no file system takes is refused", async () => {
  expect((await refusal(tar([...layoutMembers(), gnuLong("a/".repeat(3000)), { name: "a", body: "x" }]))).code).toBe("UNSAFE_NAME");
  expect((await refusal(tar([...layoutMembers(), { name: "./", type: "0", body: "x" }, { name: ".", body: "x" }]))).code).toBe(
    "UNSAFE_NAME",
  );
});
