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

console.log(JSON.stringify({
  normalised: vectors.normalisation.map((v) => orNull(() => normalise(v.input))),
  signed: vectors.signed.map((v) => listOf(v).signed(v.recipient, mailOf(v))),
  needs_token: vectors.needs_token.map((v) => first.signed(v.recipient) === null),
  tokens: vectors.tokens.map((v) => first.tokenPath(newToken(Buffer.from(v.random_hex, 'hex')))),
  commands,
  made,
  keys: vectors.keys.map((v) => orNull(() => signedWith(Buffer.from(v.file_hex, 'hex')))),
  good_file: signedWith(Bounced.keyFromFile(`${keys}/good.key`)),
  bad_files: ['short.key', 'missing.key'].map((name) => told(() => Bounced.keyFromFile(`${keys}/${name}`))),
}));
