import { hashSync } from "bcryptjs";
import { describe, expect, test } from "vitest";
import { type AccessRule, type RegistryOptions, parseHtpasswd } from "@ocilot/server";
import { Tokens } from "../src/access/tokens.js";
import { type Client, type Reply, memoryClient } from "./client.js";

const HTPASSWD = `# people\nreader:${hashSync("read", 4)}\nwriter:${hashSync("write", 4)}\n`;
const RULES: readonly AccessRule[] = [
  { repositories: "public/**", right: "read", anonymous: true },
  { repositories: "team/*", right: "read", users: ["reader"] },
  { repositories: "**", right: "delete", users: ["writer"] },
];

function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

/** A registry with an image in three repositories, which the writer has pushed. */
async function guarded(
  options: RegistryOptions = {},
): Promise<{ c: Client; as: (user: string | undefined, method: string, url: string) => Promise<Reply> }> {
  const c = await memoryClient({ htpasswd: HTPASSWD, access: RULES, ...options });
  const passwords: Record<string, string> = { reader: "read", writer: "write" };
  const as = async (user: string | undefined, method: string, url: string, body?: string): Promise<Reply> =>
    await c.send(method, url, { headers: user === undefined ? {} : basic(user, passwords[user]!), ...(body !== undefined && { body }) });
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] });
  for (const name of ["public/a", "team/a", "team/a/deep", "secret"]) {
    expect((await c.send("PUT", `/v2/${name}/manifests/v1`, { body: manifest, headers: basic("writer", "write") })).status).toBe(201);
  }
  return { c, as };
}

describe("rights", () => {
  test("read and write per repository pattern, with anonymous pull", async () => {
    const { as } = await guarded();
    const table: [string | undefined, string, string, number][] = [
      [undefined, "GET", "public/a", 200],
      [undefined, "GET", "team/a", 401],
      [undefined, "DELETE", "public/a", 401],
      ["reader", "GET", "public/a", 200],
      ["reader", "GET", "team/a", 200],
      ["reader", "GET", "team/a/deep", 403],
      ["reader", "GET", "secret", 403],
      ["reader", "GET", "nobody", 403],
      ["reader", "PUT", "team/a", 403],
      ["writer", "GET", "secret", 200],
      ["writer", "DELETE", "secret", 202],
    ];
    for (const [user, method, name, status] of table) {
      expect((await as(user, method, `/v2/${name}/manifests/v1`)).status, `${user} ${method} ${name}`).toBe(status);
    }
  });

  test("what may not be read is not listed, and its answer does not tell whether it is there", async () => {
    const { as } = await guarded();
    expect((await as("reader", "GET", "/v2/_catalog")).json.repositories).toEqual(["public/a", "team/a"]);
    expect((await as(undefined, "GET", "/v2/_catalog")).json.repositories).toEqual(["public/a"]);
    const [there, not] = [await as("reader", "GET", "/v2/secret/tags/list"), await as("reader", "GET", "/v2/secreu/tags/list")];
    expect([there.status, there.text.replaceAll("secret", "X")]).toEqual([not.status, not.text.replaceAll("secreu", "X")]);
  });

  test("a mount needs the right to read where it comes from", async () => {
    const rules: AccessRule[] = [{ repositories: "own", right: "write", users: ["reader"] }, ...RULES.slice(1)];
    const { c } = await guarded({ access: rules });
    const content = "secret content";
    const { digestOf } = await import("@ocilot/layout");
    const digest = digestOf(new TextEncoder().encode(content));
    await c.send("POST", `/v2/secret/blobs/uploads/?digest=${digest}`, { body: content, headers: basic("writer", "write") });
    for (const from of ["&from=secret", ""]) {
      const reply = await c.send("POST", `/v2/own/blobs/uploads/?mount=${digest}${from}`, { headers: basic("reader", "read") });
      expect(reply.status, from).toBe(202);
    }
    expect((await c.send("HEAD", `/v2/own/blobs/${digest}`, { headers: basic("reader", "read") })).status).toBe(404);
  });

  test("clients are asked for a password where they ask first, and a wrong one is refused everywhere", async () => {
    const { c } = await guarded();
    const ping = await c.send("GET", "/v2/");
    expect([ping.status, ping.codes, ping.headers["www-authenticate"]]).toEqual([
      401,
      ["UNAUTHORIZED"],
      'Basic realm="ocilot", charset="UTF-8"',
    ]);
    expect((await c.send("GET", "/v2/", { headers: basic("reader", "read") })).status).toBe(200);
    const wrong = ["Basic", "Basic !!!", "Bearer abc", "Basic " + Buffer.from("nocolon").toString("base64")];
    for (const authorization of [
      ...wrong,
      basic("reader", "no").authorization!,
      basic("nobody", "read").authorization!,
      basic("reader", "").authorization!,
    ]) {
      expect((await c.send("GET", "/v2/public/a/tags/list", { headers: { authorization } })).status, authorization).toBe(401);
    }
    expect((await c.send("GET", "/v2/public/a/tags/list", { headers: basic("reader", `read${"\0".repeat(100)}`) })).status).toBe(401);
    expect((await c.send("GET", "/healthz")).status).toBe(200);
  });

  test("with anonymous pull clients are asked for a token, which everybody gets and which says who they are", async () => {
    const { c } = await guarded();
    const host = { host: "site.example:5000" };
    const ping = await c.send("GET", "/v2/", { headers: host });
    expect([ping.status, ping.headers["www-authenticate"]]).toEqual([
      401,
      'Bearer realm="http://site.example:5000/token",service="site.example:5000"',
    ]);
    const tokenOf = async (headers: Record<string, string> = {}): Promise<Record<string, string>> => {
      const reply = await c.send("GET", "/token?service=site.example:5000&scope=repository:public/a:pull", {
        headers: { ...host, ...headers },
      });
      expect([reply.status, reply.json.access_token, reply.json.expires_in]).toEqual([200, reply.json.token, 300]);
      return { authorization: `Bearer ${reply.json.token}`, ...host };
    };
    const [nobody, reader] = [await tokenOf(), await tokenOf(basic("reader", "read"))];
    for (const [headers, name, status] of [
      [nobody, "public/a", 200],
      [nobody, "team/a", 401],
      [reader, "team/a", 200],
      [reader, "secret", 403],
    ] as const) {
      expect((await c.send("GET", `/v2/${name}/manifests/v1`, { headers })).status, name).toBe(status);
    }
    expect((await c.send("GET", "/v2/", { headers: nobody })).status).toBe(200);
    const asked = await c.send("GET", "/v2/team/a/manifests/v1", { headers: nobody });
    expect(asked.headers["www-authenticate"]).toMatch(/,scope="repository:team\/a:pull"$/);
    const wrong = await c.send("GET", "/token", { headers: { ...host, ...basic("reader", "no") } });
    expect([wrong.status, wrong.headers["www-authenticate"]]).toEqual([401, 'Basic realm="ocilot", charset="UTF-8"']);
    // The first letter is of the name, the last of the signature.
    for (const at of [0, -1]) {
      const [scheme, token = ""] = reader.authorization!.split(" ");
      const letters = [...token];
      letters[at < 0 ? letters.length - 1 : at] = token.at(at) === "A" ? "Q" : "A";
      const authorization = `${scheme} ${letters.join("")}`;
      expect((await c.send("GET", "/v2/public/a/manifests/v1", { headers: { authorization } })).status).toBe(401);
    }
    // A header that would break out of the quotes is not repeated.
    for (const bad of ['x",realm="http://evil.example', "x/y", ""]) {
      expect((await c.send("GET", "/v2/", { headers: { host: bad } })).headers["www-authenticate"]).toMatch(/^Basic /);
    }
  });

  test("tokens end, and are of one process", () => {
    const [tokens, others] = [new Tokens(), new Tokens()];
    const token = tokens.issue({ kind: "account", user: "a.b c" }, 1000);
    expect(tokens.read(token, 1000)).toEqual({ kind: "account", user: "a.b c" });
    expect(tokens.read(token, 300_999)).toEqual({ kind: "account", user: "a.b c" });
    expect(tokens.read(token, 301_000)).toEqual({ kind: "refused" });
    expect(others.read(token, 1000)).toEqual({ kind: "refused" });
    expect(tokens.read("", 1000)).toEqual({ kind: "refused" });
    // An account may have the name that stands for nobody.
    expect(tokens.read(tokens.issue({ kind: "account", user: "-" }, 1000), 1000)).toEqual({ kind: "account", user: "-" });
    expect(tokens.read(tokens.issue({ kind: "anonymous" }, 1000), 1000)).toEqual({ kind: "anonymous" });
  });

  test("without anonymous pull a server gives no tokens", async () => {
    const { c } = await guarded({ access: RULES.slice(1) });
    expect((await c.send("GET", "/v2/", { headers: { host: "h" } })).headers["www-authenticate"]).toMatch(/^Basic /);
    expect((await c.send("GET", "/token", { headers: { host: "h", ...basic("reader", "read") } })).status).toBe(404);
  });

  test("without accounts everybody may do what the server does", async () => {
    const c = await memoryClient();
    expect((await c.image("app", "v1")).status).toBe(201);
    expect((await c.send("GET", "/v2/")).status).toBe(200);
  });

  test("a page of another site cannot push through somebody's browser", async () => {
    const c = await memoryClient();
    const headers = { host: "127.0.0.1:5000" };
    const from = async (origin: string): Promise<number> =>
      (await c.send("POST", "/v2/app/blobs/uploads/", { headers: { ...headers, origin } })).status;
    expect(await from("https://evil.example")).toBe(403);
    expect(await from("null")).toBe(403);
    expect(await from("http://127.0.0.1:5000")).toBe(202);
  });
});

describe("htpasswd", () => {
  test("only bcrypt is taken, and a line that is wrong is named", () => {
    expect([...parseHtpasswd(HTPASSWD).keys()]).toEqual(["reader", "writer"]);
    const bad: [string, RegExp][] = [
      ["", /no accounts/],
      ["a:b", /line 1/],
      ["# x\n:$2b$04$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu", /line 2/],
      ["a:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", /bcrypt/],
      [`a:${hashSync("x", 4)}\na:${hashSync("y", 4)}`, /again/],
      [`a:${hashSync("x", 4).replace("$04$", "$31$")}`, /cost/],
    ];
    for (const [text, message] of bad) expect(() => parseHtpasswd(text), text).toThrow(message);
  });
});
