import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Credential, eraseCredential, fileCredentials, storeCredential } from "@ocilot/registry";
import { matchingKeys } from "../../src/credentials/credential-key.js";

let root: string;
let env: Record<string, string>;
const auth = (pair: string): { auth: string } => ({ auth: Buffer.from(pair).toString("base64") });
const password = (username: string, secret: string): Credential => ({ kind: "password", username, password: secret });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ocilot-credentials-"));
  env = { HOME: root, XDG_RUNTIME_DIR: join(root, "run"), PATH: `${join(root, "bin")}${delimiter}${process.env["PATH"]}` };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: unknown): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

function helper(name: string, script: string): void {
  put(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, "bin", `docker-credential-${name}`), 0o755);
}

const find = (host: string, repository?: string, more: object = {}): Promise<Credential | undefined> =>
  fileCredentials({ env, ...more }).get(host, repository, {});

describe("a credential is found", () => {
  test("in docker's file, by the name and password of auth", async () => {
    put(".docker/config.json", { auths: { "ghcr.io": auth("me:se:cret") } });
    expect(await find("ghcr.io", "a/b")).toEqual(password("me", "se:cret"));
    expect(await find("quay.io", "a/b")).toBeUndefined();
  });

  test("in the folder of DOCKER_CONFIG", async () => {
    put("cfg/config.json", { auths: { "h.example:5000": { username: "u", password: "p" } } });
    env["DOCKER_CONFIG"] = join(root, "cfg");
    expect(await find("h.example:5000")).toEqual(password("u", "p"));
  });

  test("in podman's files, of the session before those of the user", async () => {
    put(".config/containers/auth.json", { auths: { "a.example": auth("user:1"), "b.example": auth("user:2") } });
    put("run/containers/auth.json", { auths: { "a.example": auth("session:3") } });
    expect(await find("a.example")).toEqual(password("session", "3"));
    expect(await find("b.example")).toEqual(password("user", "2"));
  });

  test("in the first file with a match: an empty entry of docker's is none", async () => {
    put(".docker/config.json", { auths: { "a.example": {} } });
    put("run/containers/auth.json", { auths: { "a.example": auth("x:y") } });
    expect(await find("a.example")).toEqual(password("x", "y"));
  });

  test("in REGISTRY_AUTH_FILE alone, and in the file that was named before that", async () => {
    put(".docker/config.json", { auths: { "a.example": auth("docker:1") } });
    env["REGISTRY_AUTH_FILE"] = put("named.json", { auths: { "b.example": auth("named:1") } });
    expect(await find("a.example")).toBeUndefined();
    expect(await find("b.example")).toEqual(password("named", "1"));
    const authFile = put("option.json", { auths: { "b.example": auth("option:1") } });
    expect(await find("b.example", undefined, { authFile })).toEqual(password("option", "1"));
    await expect(find("b.example", undefined, { authFile: join(root, "absent.json") })).rejects.toMatchObject({
      code: "CREDENTIALS_UNAVAILABLE",
    });
  });

  test("by the most specific path", async () => {
    put(".docker/config.json", { auths: { "quay.io": auth("host:1"), "quay.io/org": auth("org:1"), "quay.io/org/app": auth("app:1") } });
    expect(await find("quay.io", "org/app")).toEqual(password("app", "1"));
    expect(await find("quay.io", "org/apple")).toEqual(password("org", "1"));
    expect(await find("quay.io", "organ/x")).toEqual(password("host", "1"));
  });

  test("as an identity token or a registry token", async () => {
    put(".docker/config.json", {
      auths: {
        "x.azurecr.io": { ...auth("00000000-0000-0000-0000-000000000000:"), identitytoken: "refresh" },
        "r.example": { registrytoken: "bearer" },
      },
    });
    expect(await find("x.azurecr.io")).toEqual({ kind: "identity-token", token: "refresh" });
    expect(await find("r.example")).toEqual({ kind: "registry-token", token: "bearer" });
  });

  test.each(["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io", "https://registry-1.docker.io/v2/"])(
    "for Docker Hub under %s",
    async (key) => {
      put(".docker/config.json", { auths: { [key]: auth("hub:1") } });
      expect(await find("docker.io", "library/alpine")).toEqual(password("hub", "1"));
    },
  );

  test("with a helper of the host, before the general helper, before the file", async () => {
    helper("host", `read key; [ "$1 $key" = "get a.example" ] && printf '{"Username":"host","Secret":"%s"}' "$key"`);
    helper(
      "store",
      `read key; case $key in c.example) echo "credentials not found in native keychain"; exit 1;; esac; echo '{"Username":"store","Secret":"s"}'`,
    );
    put(".docker/config.json", {
      credsStore: "store",
      credHelpers: { "a.example": "host" },
      auths: { "a.example": auth("f:1"), "c.example": auth("f:2") },
    });
    expect(await find("a.example")).toEqual(password("host", "a.example"));
    expect(await find("b.example")).toEqual(password("store", "s"));
    expect(await find("c.example")).toEqual(password("f", "2"));
  });

  test("as an identity token of a helper, which is asked for Docker Hub by its key", async () => {
    helper("hub", `read key; [ "$key" = "https://index.docker.io/v1/" ] && echo '{"Username":"<token>","Secret":"refresh"}'`);
    put(".docker/config.json", { credsStore: "hub" });
    expect(await find("docker.io", "a/b")).toEqual({ kind: "identity-token", token: "refresh" });
  });

  test("with keys that are paths, schemes or capitals", () => {
    const keys = ["https://H.example", "h.example/v1", "h.example/a", "http://h.example/v2/", "other.example", "h.example.evil"];
    expect(matchingKeys(keys, "h.example", "a/b")).toEqual(["h.example/a", "h.example/v1", "https://H.example", "http://h.example/v2/"]);
  });
});

describe("what is broken is an error that names it and holds no secret", () => {
  test.each([
    ["is absent", undefined, /docker-credential-bad was not found/],
    ["fails", `echo "boom"; echo secret-on-stderr >&2; exit 3`, /exit code 3\): boom/],
    ["prints a secret and fails", `echo '{"Username":"u","Secret":"hunter2"}'; exit 1`, /exit code 1\)$/],
    ["prints no JSON", "echo hunter2", /did not answer with JSON/],
    ["prints something else", `echo '{"Username":1}'`, /without Username and Secret/],
    ["prints without end", "yes", /printed too much/],
    ["hangs", "sleep 60", /did not answer within 0.3 s/],
    ["hangs with a child", "sleep 60 & wait", /did not answer within 0.3 s/],
  ])("a helper that %s", async (_, script, message) => {
    if (script !== undefined) helper("bad", script);
    put(".docker/config.json", { credsStore: "bad", auths: { "a.example": auth("u:hunter2") } });
    const error = await find("a.example", undefined, { helperTimeout: script?.startsWith("sleep") === true ? 300 : 30_000 }).catch(
      (e: Error) => e,
    );
    expect(error).toMatchObject({ code: "CREDENTIALS_UNAVAILABLE", message: expect.stringMatching(message) });
    expect(JSON.stringify([error, (error as Error).message])).not.toMatch(/hunter2|secret-on/);
  });

  test.each(["../../bin/sh", "a;b", "a b", "", "x".repeat(200)])("a helper is not run as %j", async (name) => {
    put(".docker/config.json", { credHelpers: { "a.example": name } });
    const found = await find("a.example").catch((e: Error) => e);
    if (name === "") expect(found).toBeUndefined();
    else expect(found).toMatchObject({ code: "CREDENTIALS_UNAVAILABLE" });
  });

  test.each(["{", "[]", "null", '"x"'])("a file with %j in it", async (content) => {
    const file = put(".docker/config.json", content);
    await expect(find("a.example")).rejects.toMatchObject({ code: "CREDENTIALS_UNAVAILABLE", message: expect.stringContaining(file) });
  });

  test("an auth that is no pair", async () => {
    put(".docker/config.json", { auths: { "a.example": { auth: "aHVudGVyMg==" } } });
    const error = await find("a.example").catch((e: Error) => e);
    expect(error).toMatchObject({ code: "CREDENTIALS_UNAVAILABLE" });
    expect((error as Error).message).not.toContain("hunter2");
  });

  test.each([{ auths: [] }, { auths: { "a.example": 7 } }, { credHelpers: { "a.example": {} } }, { credsStore: 3 }, {}, ""])(
    "members of other types are as good as absent: %j",
    async (content) => {
      put(".docker/config.json", content);
      expect(await find("a.example")).toBeUndefined();
    },
  );
});

describe("a credential is stored", () => {
  test("in a new file that only its owner reads", async () => {
    const place = await storeCredential("a.example", password("u", "p:q"), { env });
    const file = join(root, ".docker/config.json");
    expect(place).toEqual({ kind: "file", file });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await find("a.example")).toEqual(password("u", "p:q"));
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ auths: { "a.example": auth("u:p:q") } });
  });

  test("beside foreign members, which keep their bytes, through a link", async () => {
    const text = '{\n  "credHelpers" : { },\n  "auths": {"b.example": {"auth": "eDp5"}},\n  "big": 1e400, "x": [1,\t2]\n}\n';
    const real = put("dotfiles/config.json", text);
    mkdirSync(join(root, ".docker"));
    symlinkSync(real, join(root, ".docker/config.json"));
    await storeCredential("docker.io", { kind: "identity-token", token: "t" }, { env });
    expect(lstatSync(join(root, ".docker/config.json")).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, "utf8")).toBe(text.replace('"eDp5"}}', '"eDp5"},"https://index.docker.io/v1/": {"identitytoken":"t"}}'));
    expect(statSync(real).mode & 0o777).toBe(0o600);
    const { removed, remaining } = await eraseCredential("docker.io", { env });
    expect([removed, remaining]).toEqual([[{ kind: "file", file: join(root, ".docker/config.json") }], []]);
    expect(readFileSync(real, "utf8")).toBe(text);
  });

  test("with the helper, and not in the file", async () => {
    helper("keep", `cat > "$0.$1"`);
    const file = put(".docker/config.json", { credsStore: "keep" });
    expect(await storeCredential("a.example", password("u", "p"), { env })).toEqual({ kind: "helper", helper: "keep", file });
    expect(JSON.parse(readFileSync(join(root, "bin/docker-credential-keep.store"), "utf8"))).toEqual({
      ServerURL: "a.example",
      Username: "u",
      Secret: "p",
    });
    expect(readFileSync(file, "utf8")).toBe('{"credsStore":"keep"}');
    expect((await eraseCredential("a.example", { env })).removed).toEqual([{ kind: "helper", helper: "keep", file }]);
    expect(readFileSync(join(root, "bin/docker-credential-keep.erase"), "utf8")).toBe("a.example");
  });

  test("in the file of REGISTRY_AUTH_FILE; one that is broken is left as it is", async () => {
    env["REGISTRY_AUTH_FILE"] = put("auth.json", "{ broken");
    await expect(storeCredential("a.example", password("u", "p"), { env })).rejects.toMatchObject({ code: "CREDENTIALS_UNAVAILABLE" });
    expect(readFileSync(env["REGISTRY_AUTH_FILE"], "utf8")).toBe("{ broken");
  });

  test("and erased under every key of the host; other files that hold one are named", async () => {
    const docker = put(".docker/config.json", {
      auths: { "https://a.example/v1/": auth("u:1"), "a.example": auth("u:2"), "a.example/org": auth("u:3") },
    });
    const podman = put("run/containers/auth.json", { auths: { "a.example": auth("u:4") } });
    expect(await eraseCredential("a.example", { env })).toEqual({ removed: [{ kind: "file", file: docker }], remaining: [podman] });
    expect(JSON.parse(readFileSync(docker, "utf8"))).toEqual({ auths: { "a.example/org": auth("u:3") } });
    expect(await eraseCredential("b.example", { env })).toEqual({ removed: [], remaining: [] });
  });

  test("by several at once without losing one", async () => {
    await Promise.all(Array.from({ length: 10 }, async (_, i) => storeCredential(`h${i}.example`, password("u", `${i}`), { env })));
    expect(Object.keys(JSON.parse(readFileSync(join(root, ".docker/config.json"), "utf8")).auths)).toHaveLength(10);
  });
});
