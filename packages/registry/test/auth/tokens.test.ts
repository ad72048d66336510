import { describe, expect, test } from "vitest";
import { IMAGE_MANIFEST } from "@ocilot/layout/spec";
import { type Credential, type CredentialSource, bytesSource, fixedCredential } from "@ocilot/registry";
import { type TokenServerOptions, identityToken, startTestRegistry, startTokenServer } from "@ocilot/testkit";
import { clientOf, content, manifest, open, serve } from "../support.js";

const ME: Credential = { kind: "password", username: "me", password: "pw" };

async function guarded(options: Partial<TokenServerOptions> = {}, credential: Credential = ME) {
  const tokens = await open(startTokenServer({ users: { me: "pw" }, ...options }));
  const registry = await open(
    startTestRegistry({ quirks: { acceptsDangling: true, authorize: (request, scope) => tokens.authorize(request, scope) } }),
  );
  return { tokens, registry, ...clientOf(`${registry.host}/r`, { credentials: fixedCredential(credential) }) };
}

describe("a token", () => {
  test("is fetched once for each scope, however many requests wait for it", async () => {
    const { tokens, registry, client } = await guarded();
    const blobs = Array.from({ length: 20 }, () => content(10));
    for (const { bytes } of blobs) registry.repository("r").putBlob(bytes);
    await Promise.all(blobs.map(async ({ d }) => client.getBlobBytes(d)));
    expect(tokens.asked.map(({ method, scopes, user }) => [method, scopes, user])).toEqual([["GET", ["repository:r:pull"], "me"]]);
    await client.listTags();
    expect(tokens.asked).toHaveLength(1);
    await client.pushBlob(blobs[0]!.d, bytesSource(blobs[0]!.bytes));
    // A token to push serves to read too.
    await client.getBlobBytes(blobs[1]!.d);
    expect(tokens.asked.map(({ scopes }) => scopes)).toEqual([["repository:r:pull"], ["repository:r:pull,push"]]);
  });

  test("for a mount is for both repositories", async () => {
    const { tokens, registry, client } = await guarded();
    const { bytes, d } = content(10);
    registry.repository("from/x").putBlob(bytes);
    expect(await client.mountBlob(d.digest, "from/x")).toBe(true);
    expect(tokens.asked.at(-1)?.scopes).toEqual(["repository:from/x:pull", "repository:r:pull,push"]);
  });

  test("of an identity token is fetched by OAuth2 POST", async () => {
    const { tokens, client } = await guarded({}, { kind: "identity-token", token: identityToken("me") });
    await client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
    expect(tokens.asked.map(({ method, user }) => [method, user])).toEqual([["POST", "me"]]);
  });

  test("is anonymous where there are no credentials, and serves to pull", async () => {
    const { tokens, registry } = await guarded();
    const { client } = clientOf(`${registry.host}/r`);
    await client.listTags();
    expect(tokens.asked.at(-1)).toMatchObject({ user: undefined });
    await expect(client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST })).rejects.toMatchObject({ code: "AUTH_FAILED" });
  });

  test("that ended is renewed before every request that needs one", async () => {
    const { tokens, client } = await guarded({ uses: 1 });
    const { bytes, d } = content(300_000);
    await client.pushBlob(d, bytesSource(bytes));
    await client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
    await client.getManifest("t");
    await client.getBlobBytes(d);
    await client.deleteManifest("t");
    expect(tokens.asked.length).toBeGreaterThanOrEqual(6);
  });

  test("is not used when its life is nearly over", async () => {
    const { tokens, client, seen } = await guarded({ lifetime: 1 });
    await client.listTags();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await client.listTags();
    expect([tokens.asked.length, seen.filter(({ status, address }) => status === 401 && address.includes("tags")).length]).toEqual([2, 1]);
  });

  test("of wrong credentials is an error that holds none of them", async () => {
    const { client } = await guarded({}, { kind: "password", username: "me", password: "hunter2" });
    const error = await client.listTags().catch((e: Error) => e);
    expect(error).toMatchObject({ code: "AUTH_FAILED", details: { status: 401 } });
    expect(JSON.stringify([error, (error as Error).message, (error as Error).stack])).not.toMatch(/hunter2|aHVudGVy|bWU6/);
  });

  test("server that answers 10 MB is refused", async () => {
    const { client } = await guarded({ padding: 10_000_000 });
    await expect(client.listTags()).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 128 * 1024 } });
  });

  test.each([
    ["nothing of use", "{}"],
    ["no JSON", "<html>"],
    ["a token that is no header value", '{"token":"a\\r\\nX-Evil: 1"}'],
    ["a number", '{"token":7}'],
  ])("server that answers %s is refused", async (_, body) => {
    const tokens = await serve((_request, response) => response.end(body));
    const host = await serve((_request, response) =>
      response.writeHead(401, { "www-authenticate": `Bearer realm="http://${tokens}/"` }).end(),
    );
    await expect(clientOf(`${host}/r`).client.listTags()).rejects.toMatchObject({ code: "AUTH_FAILED" });
  });

  test.each([
    "http://auth.example/token",
    "file:///etc/passwd",
    "http://169.254.169.254/",
    "nonsense",
    "https://u:p@auth.example/",
    "https://169.254.169.254/",
  ])("server at %s is not asked", async (realm) => {
    const host = await serve((_, response) => response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end());
    const { client, seen } = clientOf(`${host}/r`, { credentials: fixedCredential(ME) });
    const error = await client.listTags().catch((e: Error) => e);
    expect(["AUTH_FAILED", "RESPONSE_INVALID"]).toContain((error as { code?: string }).code);
    expect(seen).toHaveLength(1);
  });

  test("server that fails for a moment is asked again", async () => {
    let failures = 2;
    const tokens = await serve((_, response) => (failures-- > 0 ? response.writeHead(503).end() : response.end('{"access_token":"t"}')));
    const host = await serve((request, response) =>
      request.headers.authorization === "Bearer t"
        ? response.end('{"tags":["a"]}')
        : response.writeHead(401, { "www-authenticate": `Bearer realm="http://${tokens}/"` }).end(),
    );
    expect(await clientOf(`${host}/r`).client.listTags()).toEqual(["a"]);
  });

  test("server that redirects to another host gets no password there", async () => {
    const asked: (string | undefined)[] = [];
    const elsewhere = await serve((request, response) => {
      asked.push(request.headers.authorization);
      response.end('{"token":"t"}');
    });
    const tokens = await serve((_, response) => response.writeHead(307, { location: `http://${elsewhere}/` }).end());
    const host = await serve((request, response) =>
      request.headers.authorization === "Bearer t"
        ? response.end('{"tags":[]}')
        : response.writeHead(401, { "www-authenticate": `Bearer realm="http://${tokens}/"` }).end(),
    );
    await clientOf(`${host}/r`, { credentials: fixedCredential(ME) }).client.listTags();
    expect(asked).toEqual([undefined]);
  });
});

describe("credentials", () => {
  test("are asked for by host and repository, once", async () => {
    const asked: unknown[] = [];
    const credentials: CredentialSource = {
      get: async (...args) => {
        asked.push(args.slice(0, 2));
        return ME;
      },
    };
    const { registry } = await guarded();
    const { client } = clientOf(`${registry.host}/r`, { credentials });
    await Promise.all([client.listTags(), client.listTags()]);
    await client.listTags();
    expect(asked).toEqual([[registry.host, "r"]]);
  });

  test("that one request no longer waits for are still there for another", async () => {
    let give: (credential: Credential) => void = () => undefined;
    const given = new Promise<Credential>((resolve) => (give = resolve));
    let isClosed = false;
    const credentials: CredentialSource = {
      get: async (_host, _repository, { signal }) => {
        signal?.addEventListener("abort", () => (isClosed = true));
        return await given;
      },
    };
    const { registry } = await guarded();
    const { client, session } = clientOf(`${registry.host}/r`, { credentials });
    const abort = new AbortController();
    const [aborted, waiting] = [client.listTags({ signal: abort.signal }), client.listTags()];
    // Both have been refused, so both wait for the credential.
    await expect.poll(() => registry.log.requests.length).toBe(2);
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
    give(ME);
    expect(await waiting).toBeUndefined();
    await session.close();
    expect(isClosed).toBe(true);
  });

  test("are not sent to a registry that does not ask", async () => {
    const registry = await open(startTestRegistry());
    await clientOf(`${registry.host}/r`, { credentials: fixedCredential(ME) }).client.listTags();
    expect(registry.log.requests.map(({ headers }) => headers["authorization"])).toEqual([undefined]);
  });

  test("that are refused are sent once", async () => {
    const host = await serve((_, response) => response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end());
    const { client, seen } = clientOf(`${host}/r`, { credentials: fixedCredential(ME) });
    await expect(client.listTags()).rejects.toMatchObject({ code: "AUTH_FAILED", hint: expect.stringContaining("ocilot login") });
    expect(seen).toHaveLength(2);
  });

  test("cannot answer a scheme that is not known", async () => {
    const host = await serve((_, response) => response.writeHead(401, { "www-authenticate": 'Negotiate, Digest realm="x"' }).end());
    await expect(clientOf(`${host}/r`).client.listTags()).rejects.toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringMatching(/negotiate, digest/),
    });
  });

  test("without the right to push are told what the registry said", async () => {
    const host = await serve((request, response) => {
      request.resume();
      response.writeHead(403).end('{"errors":[{"code":"DENIED","message":"requested access is denied"}]}');
    });
    await expect(clientOf(`${host}/r`).client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST })).rejects.toMatchObject({
      code: "AUTH_FAILED",
      details: { status: 403 },
      message: expect.stringContaining("DENIED: requested access is denied"),
    });
  });

  test("a registry token is sent as it is", async () => {
    const host = await serve((request, response) =>
      request.headers.authorization === "Bearer as-it-is"
        ? response.end('{"tags":["a"]}')
        : response.writeHead(401, { "www-authenticate": 'Bearer realm="https://x.example"' }).end(),
    );
    expect(
      await clientOf(`${host}/r`, { credentials: fixedCredential({ kind: "registry-token", token: "as-it-is" }) }).client.listTags(),
    ).toEqual(["a"]);
  });
});
