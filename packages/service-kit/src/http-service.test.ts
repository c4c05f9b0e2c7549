import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage, type RequestListener } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, test } from "@jest/globals";
import { describeServiceContract } from "./contract.js";
import { httpService } from "./http-service.js";
import { keptLog } from "./logger.testing.js";

const { log } = keptLog();

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function serve(listener: RequestListener, stopGraceMs?: number) {
  const port = await freePort();
  const service = httpService({ port, listener, log, ...(stopGraceMs === undefined ? {} : { stopGraceMs }) });
  await service.start();
  return { port, service };
}

const isRefused = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket: Socket = connect(port, "127.0.0.1", () => resolve(!socket.destroy()));
    socket.once("error", () => resolve(true));
  });

test("a request that runs when it stops is answered, though its connection would stay open", async () => {
  let answer: () => void = () => undefined;
  let arrived: () => void = () => undefined;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const { port, service } = await serve((_req, res) => {
    answer = () => res.end("done");
    arrived();
  });
  const agent = new Agent({ keepAlive: true });
  const request = get({ port, agent });
  await arrival;
  const stopping = service.stop();
  const refused = await isRefused(port);
  answer();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  expect(response.resume().statusCode).toBe(200);
  await stopping;
  agent.destroy();
  expect(refused).toBe(true);
});

test("a connection that never sent anything does not hold up the stop", async () => {
  const { port, service } = await serve((_req, res) => void res.end());
  const silent = connect(port, "127.0.0.1");
  const closed = once(silent, "close");
  await once(silent, "connect");
  // Seen by the server too once something that came later was answered.
  await fetch(`http://127.0.0.1:${port}/`);
  await service.stop();
  await closed;
});

test("a request that does not end is cut when its grace is over", async () => {
  let arrived: () => void = () => undefined;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const { port, service } = await serve(() => arrived(), 50);
  const request = get({ port });
  const failed = once(request, "error");
  await arrival;
  await service.stop();
  expect(await failed).toMatchObject([{ code: "ECONNRESET" }]);
});

test("it starts again on the same port", async () => {
  const { port, service } = await serve((_req, res) => void res.end("again"));
  await service.stop();
  await service.start();
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("again");
  await service.stop();
});

describeServiceContract(
  "an HTTP server",
  async () => httpService({ port: await freePort(), listener: (_req, res) => void res.end(), log }),
  async () => {
    const blocker = createServer().listen(0);
    await once(blocker, "listening");
    const { port } = blocker.address() as AddressInfo;
    return {
      service: httpService({ port, listener: (_req, res) => void res.end(), log }),
      expectNothingLeft: async () => {
        blocker.close();
        await once(blocker, "close");
        expect(await isRefused(port)).toBe(true);
      },
    };
  },
);
