// A bot on whatsapp-api-js that answers each text with one text.
//
// It is what its README shows, at its fastest: the library's own middleware for node:http (no framework between),
// as many processes as peer.toml tries (node:cluster), and for `fetch` undici's `request` on kept connections, which
// costs less than node's own. The library checks the signature. It knows no message that came before, and reads the
// first message of a POST.
//
// The 200 waits for Graph's answer. What Graph refuses is thrown, so that the middleware says 500 and Meta delivers
// again: the library itself would say 200.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { Pool } from "undici";
import { Text } from "whatsapp-api-js/messages";
import { WhatsAppAPI } from "whatsapp-api-js/middleware/node-http";

const { ACCESS_TOKEN, APP_SECRET, GRAPH_URL, PORT, PROCESSES, VERIFY_TOKEN } = process.env;
const META = "https://graph.facebook.com";

/** The library writes Meta's address into each call; here Meta is on loopback. */
function graph() {
  const pool = new Pool(GRAPH_URL, { connections: 128 });
  return async (url, { method = "GET", headers, body }) => {
    const answer = await pool.request({ path: url.slice(META.length), method, headers, body });
    return { status: answer.statusCode, json: () => answer.body.json() };
  };
}

function serve() {
  const whatsapp = new WhatsAppAPI({
    token: ACCESS_TOKEN,
    appSecret: APP_SECRET,
    webhookVerifyToken: VERIFY_TOKEN,
    v: "v23.0",
    ponyfill: { fetch: graph() },
  });
  const text = new Text("Selamat datang. Ketik bantuan.");
  whatsapp.on.message = async ({ message, reply }) => {
    if (message.type !== "text") return;
    const answer = await reply(text);
    if (answer.error) throw new Error(`refused with ${answer.error.code}`);
  };
  const server = createServer(async (request, response) => {
    if (request.method === "POST") {
      response.writeHead(await whatsapp.handle_post(request)).end();
      return;
    }
    try {
      response.end(whatsapp.handle_get(request));
    } catch (status) {
      response.writeHead(status).end();
    }
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(PORT), "127.0.0.1", 1024);
}

if (cluster.isPrimary && Number(PROCESSES) > 1) {
  for (let n = 0; n < Number(PROCESSES); n += 1) cluster.fork();
} else {
  serve();
}
