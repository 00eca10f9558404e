// A bot on Microsoft's Bot Framework (botbuilder) that answers each text with one text.
//
// botbuilder has no channel for WhatsApp, so this is an adapter of our own, written as its own adapters are: a webhook
// becomes activities, each goes through `runMiddleware` to an ActivityHandler, and `sendActivities` posts to the Graph
// API. At its fastest: node:http (no restify or express between), as many processes as peer.toml tries
// (node:cluster), undici's `request` on kept connections, no state and no middleware. The signature is checked with
// node's own HMAC, as the library has none. It knows no message that came before.
//
// As in CloudAdapter the 200 waits for the turn. A turn that throws is answered with 500, and Meta delivers again.
import cluster from "node:cluster";
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import botbuilder from "botbuilder";
import { Pool } from "undici";

const { ActivityHandler, ActivityTypes, BotAdapter, TurnContext } = botbuilder;
const { ACCESS_TOKEN, APP_SECRET, GRAPH_URL, PORT, PROCESSES, VERIFY_TOKEN } = process.env;

class WhatsAppAdapter extends BotAdapter {
  #graph = new Pool(GRAPH_URL, { connections: 128 });
  #headers = { authorization: `Bearer ${ACCESS_TOKEN}`, "content-type": "application/json" };

  async process(body, logic) {
    for (const { changes } of JSON.parse(body).entry) {
      for (const { field, value } of changes) {
        if (field !== "messages") continue;
        for (const message of value.messages ?? []) {
          if (message.type !== "text") continue;
          await this.runMiddleware(new TurnContext(this, activity(value, message)), logic);
        }
      }
    }
  }

  async sendActivities(context, activities) {
    const sent = [];
    for (const { type, text, recipient, from } of activities) {
      if (type !== ActivityTypes.Message) continue;
      const answer = await this.#graph.request({
        method: "POST",
        path: `/v23.0/${from.id}/messages`,
        headers: this.#headers,
        body: JSON.stringify({ messaging_product: "whatsapp", to: recipient.id, type: "text", text: { body: text } }),
      });
      const { messages, error } = await answer.body.json();
      if (error) throw new Error(`refused with ${error.code}`);
      sent.push({ id: messages[0].id });
    }
    return sent;
  }
}

function activity({ metadata, contacts }, { id, from, timestamp, text }) {
  return {
    type: ActivityTypes.Message,
    id,
    timestamp: new Date(Number(timestamp) * 1000),
    channelId: "whatsapp",
    serviceUrl: GRAPH_URL,
    conversation: { id: from, isGroup: false },
    from: { id: from, name: contacts?.[0]?.profile?.name },
    recipient: { id: metadata.phone_number_id },
    text: text.body,
  };
}

function signed(body, signature) {
  const digest = createHmac("sha256", APP_SECRET).update(body).digest();
  const said = Buffer.from(signature?.replace("sha256=", "") ?? "", "hex");
  return said.length === digest.length && timingSafeEqual(said, digest);
}

function serve() {
  const adapter = new WhatsAppAdapter();
  const bot = new ActivityHandler();
  bot.onMessage(async (context, next) => {
    await context.sendActivity("Selamat datang. Ketik bantuan.");
    await next();
  });
  const logic = (context) => bot.run(context);

  async function take(request, chunks) {
    if (request.method === "GET") {
      const asked = new URL(request.url, GRAPH_URL).searchParams;
      return asked.get("hub.verify_token") === VERIFY_TOKEN ? [200, asked.get("hub.challenge")] : [403];
    }
    const body = Buffer.concat(chunks);
    if (!signed(body, request.headers["x-hub-signature-256"])) return [401];
    try {
      await adapter.process(body, logic);
      return [200];
    } catch {
      return [500];
    }
  }

  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      const [status, body] = await take(request, chunks);
      response.writeHead(status).end(body);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(PORT), "127.0.0.1", 1024);
}

if (cluster.isPrimary && Number(PROCESSES) > 1) {
  for (let n = 0; n < Number(PROCESSES); n += 1) cluster.fork();
} else {
  serve();
}
