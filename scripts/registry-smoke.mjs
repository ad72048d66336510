// What the built server and registry client say of a layout, the same under every runtime. Usage: registry-smoke.mjs LAYOUT
import { openRepository } from "@ocilot/registry";
import { createServer } from "@ocilot/server";

const server = await createServer(process.argv[2], { port: 0, name: "app" });
try {
  const layout = await openRepository(`docker://${server.address}/app:v1`);
  console.log((await layout.resolve("v1")).digest);
  await layout.close();
} finally {
  await server.close();
}
