// Prints what the Node recipe makes of the test vectors, for test_recipes.py to compare.

import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [recipe, file, keys] = process.argv.slice(2);
const { Bounced, newToken, normalise } = await import(pathToFileURL(recipe));
const vectors = JSON.parse(readFileSync(file));

const listOf = (v) => new Bounced({ list: v.list, bounceDomain: v.bounce_domain, keyId: v.key_id, secret: v.secret, prefix: v.prefix });
const mailOf = (v) => ({ tag: v.tag, optIn: v.opt_in, engagement: v.engagement, date: new Date(v.date) });
const signedWith = (secret) => listOf({ ...vectors.signed[0], secret }).signed('alice@example.org', mailOf(vectors.signed[0]));
const told = (make) => { try { return make(); } catch (error) { return error.message; } };
const orNull = (make) => { try { return make(); } catch { return null; } };

const first = listOf(vectors.signed[0]);
const commands = [];
const redis = async (...command) => { commands.push(command); return 1; };
await first.isSuppressed(redis, 'Alice@Example.org');
await first.report(redis, 'rejected', 'Alice@Example.org', { reply: '550 5.1.1 no' });
const made = await first.returnPathFor(redis, 'a!b@example.org', { tag: 'nov', optIn: 'confirmed', engagement: 'active', date: new Date('2026-11-21') });
await first.headersFor(redis, 'a!b@example.org', { tag: 'nov', date: new Date('2026-11-21') });
const bulk = [];
const many = async (...command) => { bulk.push(command.slice(0, 2), command.length - 2); return command.slice(2).map((a) => +a.startsWith('gone')); };
const addresses = [...Array.from({ length: 2500 }, (_, i) => `${i % 5 ? 'User' : 'Gone'}${i}@Example.org`), 'nonsense'];
const among = [...await first.suppressedAmong(many, addresses)];
const mapped = async (...command) => command.slice(2).map((address) => Number(address === 'gone@xn--bcher-kva.example'));
const abroad = [...await first.suppressedAmong(mapped, ['gone@bücher.example', 'user@bücher.example'])];
const sent = [];
const tell = async (...command) => { sent.push(command); return '1-1'; };
await first.reportSent(tell, 250, { campaign: 'nov', domain: 'example.org' });
await first.reportSent(tell, 1);
await first.report(tell, 'rejected', 'alice@example.org', { reply: '550 no', mta: 'mx.example.org', stage: 'rcpt' });
const refusedAll = await Promise.all([
  () => first.report(tell, 'opened', 'alice@example.org'), () => first.report(tell, 'rejected', 'alice@example.org'),
  () => first.report(tell, 'engaged', 'alice'), () => first.reportSent(tell, 0),
].map(async (make) => { try { await make(); return false; } catch { return true; } }));
const headersOf = (v) => {
  const { unsubscribe_url: unsubscribeUrl, feedback, sender_id: senderId } = v;
  const { bounceDomain, keyId, secret } = { bounceDomain: 'bounce.example.com', keyId: 'k', secret: vectors.signed[0].secret };
  return new Bounced({ bounceDomain, keyId, secret, unsubscribeUrl, feedback, senderId }).headersFor(null, v.recipient, mailOf(v));
};
const headers = await Promise.all(vectors.headers.map(headersOf));

console.log(JSON.stringify({
  normalised: vectors.normalisation.map((v) => orNull(() => normalise(v.input))),
  signed: vectors.signed.map((v) => listOf(v).signed(v.recipient, mailOf(v))),
  unsubscribe: vectors.unsubscribe.map((v) => listOf(v).signedUnsubscribe(v.recipient, mailOf(v))),
  unsubscribe_tokens: vectors.tokens.map((v) => first.tokenPath(newToken(Buffer.from(v.random_hex, 'hex')), true)),
  headers,
  bad_page: orNull(() => new Bounced({ ...first, unsubscribeUrl: 'https://example.com/\r\nBcc: eve@example.net' })),
  needs_token: vectors.needs_token.map((v) => first.signed(v.recipient) === null),
  tokens: vectors.tokens.map((v) => first.tokenPath(newToken(Buffer.from(v.random_hex, 'hex')))),
  commands,
  among,
  abroad,
  bulk,
  sent,
  refused: refusedAll,
  made,
  keys: vectors.keys.map((v) => orNull(() => signedWith(Buffer.from(v.file_hex, 'hex')))),
  good_file: signedWith(Bounced.keyFromFile(`${keys}/good.key`)),
  bad_files: ['short.key', 'missing.key'].map((name) => told(() => Bounced.keyFromFile(`${keys}/${name}`))),
}));
