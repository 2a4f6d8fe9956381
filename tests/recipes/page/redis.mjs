// Stands for the npm package redis: one connection that sends commands and reads their replies.

import { createConnection } from 'node:net';

/** The reply at a place, and where the next begins; null where it has not come yet. */
function parsed(text, at) {
  const end = text.indexOf('\r\n', at);
  if (end < 0) return null;
  const [kind, said, next] = [text[at], text.slice(at + 1, end), end + 2];
  if (said === '-1') return [null, next];
  if (kind === '-') return [new Error(said), next];
  if (kind === '$') return text.length < next + Number(said) + 2 ? null : [text.slice(next, next + Number(said)), next + Number(said) + 2];
  if (kind !== '*') return [kind === ':' ? Number(said) : said, next];
  let [items, place] = [[], next];
  while (items.length < Number(said)) {
    const item = parsed(text, place);
    if (!item) return null;
    items.push(item[0]);
    place = item[1];
  }
  return [items, place];
}

class Client {
  #waiting = [];
  #text = '';

  async connect() {
    this.socket = createConnection(process.env.REDIS_SOCKET);
    this.socket.on('data', (octets) => {
      this.#text += octets.toString('latin1');
      for (let reply; (reply = parsed(this.#text, 0)); this.#text = this.#text.slice(reply[1])) this.#answer(reply[0]);
    });
    return this;
  }

  sendCommand(words) {
    const packed = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
    this.socket.write(`*${words.length}\r\n${packed}`);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #answer(reply) {
    const { resolve, reject } = this.#waiting.shift();
    (reply instanceof Error ? reject : resolve)(reply);
  }
}

export const createClient = () => new Client();
