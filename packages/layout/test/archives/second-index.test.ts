import { expect, test } from "vitest";
import { openArchive } from "../../src/index.js";
import { INDEX, archiveWith, layoutMembers, refusal, tar } from "./tar-maker.js";

test.each([
  ["index.json", '{"schemaVersion":2,"manifests":[]}'],
  ["./index.json", `${INDEX} `],
  ["oci-layout", '{"imageLayoutVersion":"1.0.1"}'],
])("a second %s that says something else is refused, before or after the first", async (name, body) => {
  for (const members of [
    [...layoutMembers(), { name, body }],
    [{ name, body }, ...layoutMembers()],
  ]) {
    const error = await refusal(tar(members));
    expect(error).toMatchObject({ code: "ARCHIVE_INVALID", details: { member: name.replace("./", "") } });
    expect(error.message).toContain("second time");
  }
});

test("the same once more is fine", async () => {
  const layout = await openArchive(archiveWith(tar([...layoutMembers(), ...layoutMembers()])));
  expect((await layout.index.read()).text).toBe(INDEX);
  await layout.close();
});

test("a link cannot put another document in the place of one", async () => {
  const evil = { name: "evil.json", body: '{"schemaVersion":2,"manifests":[]}' };
  const link = { name: "index.json", type: "2", link: "evil.json" };
  for (const members of [
    [evil, link, ...layoutMembers()],
    [...layoutMembers(), evil, link],
  ]) {
    expect((await refusal(tar(members))).code).toBe("ARCHIVE_INVALID");
  }
});
