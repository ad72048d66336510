import { describe, expect, test } from "vitest";
import { IMAGE_INDEX, IMAGE_MANIFEST, MAX_MANIFEST_BYTES } from "@ocilot/layout/spec";
import { bytesSource } from "@ocilot/registry";
import { startTestRegistry } from "@ocilot/testkit";
import { clientOf, collect, content, describeBytes, manifest, open, serve } from "../support.js";

const MB = 1024 * 1024;

/** Sends zeros without end, or as many as are asked for. */
function flood(response: import("node:http").ServerResponse, bytes = Infinity): void {
  const chunk = Buffer.alloc(64 * 1024, "[");
  let left = bytes;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      if (!response.write(chunk)) return void response.once("drain", more);
    }
    response.end();
  };
  more();
}

async function boundedMemory<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = process.memoryUsage().rss;
  const result = await work();
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * MB);
  return result;
}

describe("a registry that lies", () => {
  test("sends a manifest of 1 GB, announced", async () => {
    const host = await serve((_, response) => {
      response.writeHead(200, { "content-type": IMAGE_MANIFEST, "content-length": 1024 * MB });
      flood(response, 1024 * MB);
    });
    await boundedMemory(async () =>
      expect(clientOf(`${host}/r`).client.getManifest("t")).rejects.toMatchObject({
        code: "LIMIT_EXCEEDED",
        details: { limit: MAX_MANIFEST_BYTES },
      }),
    );
  });

  test("sends a manifest, tags, referrers or an error without end", async () => {
    const host = await serve((request, response) => {
      response.writeHead(request.url?.endsWith("/error") === true ? 400 : 200, { "content-type": IMAGE_INDEX });
      flood(response);
    });
    const { client } = clientOf(`${host}/r`);
    await boundedMemory(async () => {
      await expect(client.getManifest("t")).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
      await expect(client.listTags()).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
      await expect(client.listReferrers(content(1).d.digest)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
      await expect(client.getManifest("error")).rejects.toMatchObject({ code: "REGISTRY_REFUSED", details: { status: 400 } });
    });
  });

  test("about the size of a blob: too many bytes, too few, another length", async () => {
    const { d } = content(1000);
    for (const [length, sent] of [
      [undefined, 5000],
      [undefined, 500],
      [5000, 5000],
    ] as const) {
      const host = await serve((_, response) =>
        response.writeHead(200, length === undefined ? {} : { "content-length": length }).end(Buffer.alloc(sent)),
      );
      const { client } = clientOf(`${host}/r`);
      await expect(collect(client.getBlob(d))).rejects.toMatchObject({ code: "SIZE_MISMATCH", details: { expected: 1000 } });
      await expect(client.getBlobBytes(d)).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    }
  });

  test("sends a blob without end", async () => {
    const host = await serve((_, response) => {
      response.writeHead(200);
      flood(response);
    });
    const { d } = content(1000);
    await boundedMemory(async () =>
      expect(collect(clientOf(`${host}/r`).client.getBlob(d))).rejects.toMatchObject({ code: "SIZE_MISMATCH" }),
    );
  });

  test("about the content of a blob and a manifest", async () => {
    const registry = await open(startTestRegistry({ quirks: { lyingBlobs: true, acceptsDangling: true } }));
    const { client } = clientOf(`${registry.host}/r`);
    const { bytes, d } = content(1000);
    registry.repository("r").putBlob(bytes);
    await expect(collect(client.getBlob(d))).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    await expect(client.getBlobBytes(d)).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    const host = await serve((_, response) => response.writeHead(200, { "content-type": IMAGE_MANIFEST }).end(manifest()));
    await expect(clientOf(`${host}/r`).client.getManifest(d.digest)).rejects.toMatchObject({
      code: "BLOB_CORRUPT",
      details: { expected: d.digest },
    });
  });

  test.each(["text/html", "application/json", IMAGE_INDEX, "application/octet-stream"])(
    "about the type of a manifest: %s",
    async (type) => {
      const host = await serve((_, response) => response.writeHead(200, { "content-type": type }).end(manifest()));
      await expect(clientOf(`${host}/r`).client.getManifest("t")).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    },
  );

  test("parameters of a type are ignored, and a type that is absent is read from the manifest", async () => {
    for (const type of [`${IMAGE_MANIFEST}; charset=utf-8`, ""]) {
      const host = await serve((_, response) => response.writeHead(200, type === "" ? {} : { "content-type": type }).end(manifest()));
      expect((await clientOf(`${host}/r`).client.getManifest("t")).descriptor.mediaType).toBe(IMAGE_MANIFEST);
    }
  });

  test("about a range", async () => {
    const { d } = content(1000);
    const host = await serve((request, response) => {
      if (request.headers.range === undefined) {
        response.writeHead(200, { "content-length": 1000 });
        return response.write(Buffer.alloc(500), () => response.destroy());
      }
      return response.writeHead(206, { "content-range": "bytes 0-999/1000" }).end(Buffer.alloc(1000));
    });
    await expect(collect(clientOf(`${host}/r`).client.getBlob(d))).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
  });

  test("with lists that have no end: the same page, new pages, pages of nothing", async () => {
    const registry = await open(startTestRegistry({ quirks: { endlessLink: true, acceptsDangling: true } }));
    const { client } = clientOf(`${registry.host}/r`);
    await client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
    await expect(client.listTags()).rejects.toMatchObject({ code: "RESPONSE_INVALID", message: expect.stringMatching(/do not end/) });
    await expect(client.listReferrers(content(1).d.digest)).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    let page = 0;
    const host = await serve((request, response) => {
      page++;
      const isReferrers = request.url?.includes("/referrers/") === true;
      response.writeHead(200, { "content-type": isReferrers ? IMAGE_INDEX : "application/json", link: `<?page=${page}>; rel="next"` });
      const tag = request.url?.includes("/new/") === true ? `t${page}` : "same";
      response.end(isReferrers ? '{"manifests":[]}' : JSON.stringify({ tags: [tag] }));
    });
    const { client: same, session } = clientOf(`${host}/r`);
    await expect(same.listTags()).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    await expect(same.listReferrers(content(1).d.digest)).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    await expect(session.repository(`${host}/new`).listTags({ limit: 200 })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(page).toBeLessThan(300);
  });

  test.each(["http://other.example/x", "//other.example/x", "file:///etc/passwd", "http://["])("with a next page at %s", async (link) => {
    const host = await serve((_, response) => response.writeHead(200, { link: `<${link}>; rel="next"` }).end('{"tags":["a"]}'));
    const { client, seen } = clientOf(`${host}/r`);
    await expect(client.listTags()).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    expect(seen).toHaveLength(1);
  });

  test.each(["file:///etc/passwd", "http://169.254.169.254/latest/meta-data", "ftp://x.example/"])(
    "with a redirect to %s",
    async (location) => {
      const host = await serve((request, response) => {
        request.resume();
        response.writeHead(307, { location }).end();
      });
      const { client, seen } = clientOf(`${host}/r`);
      const { bytes, d } = content(1000);
      await expect(client.getManifest("t")).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
      await expect(collect(client.getBlob(d))).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
      await expect(client.pushBlob(d, bytesSource(bytes))).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
      expect(seen).toHaveLength(3);
    },
  );

  test.each(["file:///tmp/x", "http://169.254.169.254/x", "http://["])("with an upload session at %s", async (location) => {
    const host = await serve((request, response) => {
      request.resume();
      response.writeHead(202, { location }).end();
    });
    const { bytes, d } = content(1000);
    await expect(clientOf(`${host}/r`).client.pushBlob(d, bytesSource(bytes))).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
  });

  test("with redirects in a circle", async () => {
    const host = await serve((_, response) => response.writeHead(307, { location: "/again" }).end());
    const { client, seen } = clientOf(`${host}/r`);
    await expect(client.getManifest("t")).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    expect(seen.length).toBeLessThan(10);
  });

  test.each([
    ["tags", '{"tags":{"a":1}}'],
    ["tags", "[]"],
    ["tags", "<html>"],
    ["referrers", '{"manifests":[{"digest":"sha256:x"}]}'],
    ["referrers", '{"manifests":[null]}'],
    ["referrers", `{"manifests":[{"mediaType":"x/y","digest":"${content(1).d.digest}","size":-1}]}`],
  ])("with %s that are none: %s", async (list, body) => {
    const host = await serve((_, response) => response.writeHead(200, { "content-type": IMAGE_INDEX }).end(body));
    const { client } = clientOf(`${host}/r`);
    await expect(list === "tags" ? client.listTags() : client.listReferrers(content(1).d.digest)).rejects.toMatchObject({
      code: "RESPONSE_INVALID",
    });
  });

  test("that stores another manifest than it was sent", async () => {
    const host = await serve((request, response) => {
      request.resume();
      response.writeHead(201, { "docker-content-digest": content(1).d.digest }).end();
    });
    await expect(clientOf(`${host}/r`).client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST })).rejects.toMatchObject({
      code: "BLOB_CORRUPT",
    });
  });

  test("with headers without end, and with what is no HTTP", async () => {
    const host = await serve((_, response) => response.socket?.end(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(1_000_000)}`));
    await expect(clientOf(`${host}/r`).client.getManifest("t")).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    const other = await serve((_, response) => response.socket?.end("220 smtp.example ESMTP\r\n"));
    await expect(clientOf(`${other}/r`).client.getManifest("t")).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
  });

  test("about what it said: control characters do not reach the terminal", async () => {
    const host = await serve((_, response) => response.writeHead(400).end('{"errors":[{"code":"X\\u001b[31m","message":"a\\nb\\u0007"}]}'));
    const error = await clientOf(`${host}/r`)
      .client.getManifest("t")
      .catch((e: Error) => e);
    expect((error as Error).message).toMatch(/X \[31m: a b/);
  });

  test("that is no registry", async () => {
    const host = await serve((_, response) => response.writeHead(404, { "content-type": "text/html" }).end("<html>"));
    await expect(clientOf(`${host}/r`).client.ping()).rejects.toMatchObject({
      code: "REGISTRY_REFUSED",
      hint: expect.stringMatching(/distribution API/),
    });
  });

  test("a digest of an algorithm that cannot be computed is refused before it is asked for", async () => {
    const { client, seen } = clientOf("127.0.0.1:1/r");
    const d = { ...describeBytes(Buffer.from("x")), digest: "md5:900150983cd24fb0d6963f7d28e17f72" as never };
    await expect(collect(client.getBlob(d))).rejects.toMatchObject({ code: "ALGORITHM_UNSUPPORTED" });
    expect(seen).toEqual([]);
  });
});
