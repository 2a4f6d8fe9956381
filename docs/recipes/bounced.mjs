// Return paths and the suppression list of bounced, from Node 18 or later, without dependencies.
// `redis` is any function that sends one command: with the npm package redis, (...args) => client.sendCommand(args).

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { domainToASCII } from 'node:url';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const OPT_IN = ['unknown', 'single', 'confirmed', 'imported'];
const ENGAGEMENT = ['unknown', 'active', 'inactive', 'first_mail'];
const DOT_ATOM = /^(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]|[^\x00-\x7f\s])+$/;
const DOMAIN = /^(?:(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[a-z0-9.:-]+\])$/;
const FITS = /^[a-z0-9#$&'*+=?^_`{}~-]+(?:\.[a-z0-9#$&'*+=?^_`{}~-]+)*@[a-z0-9._-]+$/;
const DAY_MS = 86_400_000;
const DAY_S = 86_400;
const UNSUBSCRIBE_DAYS = 400;
const BATCH = 1000;
const TOLD = ['delivered', 'engaged', 'rejected', 'subscribed', 'unsubscribed', 'complained', 'suppress', 'release'];
const PAGE = /^https:\/\/[!$-+\--;=@-~]+$/;

export class Bounced {
  /** `tokenDays` is the list's token_days; `unsubscribeUrl`, `feedback` and `senderId` are for headersFor. */
  constructor({
    list = 'main', bounceDomain, keyId, secret, prefix = 'b-', keyPrefix = 'bounced',
    tokenDays = 60, unsubscribeUrl = '', feedback = 'fbl', senderId = '',
  }) {
    if (unsubscribeUrl && (!PAGE.test(unsubscribeUrl) || unsubscribeUrl.length > 200)) throw new Error('not a page');
    const sender = senderId || createHash('sha256').update(bounceDomain).digest('hex').slice(0, 12);
    if (!/^[A-Za-z0-9._-]{5,15}$/.test(sender)) throw new Error('senderId has 5 to 15 of A-Z, a-z, 0-9, ., _ and -');
    Object.assign(this, { list, bounceDomain, keyId, secret: keyOf(secret), prefix, tokenDays, feedback, sender });
    this.page = unsubscribeUrl.replace(/\/+$/, '');
    this.keys = `${keyPrefix}:{${list}}:`;
  }

  /** The key in a file, for `secret`.  Throws an error that names the file. */
  static keyFromFile(file) {
    try {
      return keyOf(readFileSync(file));
    } catch (error) {
      throw new Error(`${file}: ${error.message}`);
    }
  }

  /** The envelope sender for one message.  If the recipient does not fit into it, a token is registered. */
  async returnPathFor(redis, address, mail = {}) {
    return this.signed(address, mail) ?? this.registerToken(redis, address, mail);
  }

  /** The address to which a recipient writes to be unsubscribed; good for 400 days. */
  async unsubscribePathFor(redis, address, mail = {}) {
    return this.signedUnsubscribe(address, mail) ?? this.registerToken(redis, address, mail, true);
  }

  /** The header fields by which a recipient unsubscribes and its provider tells of complaints.  DKIM must sign them. */
  async headersFor(redis, address, mail = {}) {
    const path = await this.unsubscribePathFor(redis, address, mail);
    const [local, domain] = path.split('@');
    const mailto = `<mailto:${percent(local)}@${domain}?subject=unsubscribe>`;
    return {
      'List-Unsubscribe': this.page ? `<${this.page}/u/${percent(local)}>, ${mailto}` : mailto,
      ...(this.page && { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }),
      'Feedback-ID': `${mail.tag ?? ''}:${this.list}::${this.sender}`,
      'CFBL-Address': `${this.feedback}@${domain}; report=arf`,
      'CFBL-Feedback-ID': percent(path).replaceAll('.', '%2E'),
    };
  }

  async isSuppressed(redis, address) {
    return Number(await redis('SISMEMBER', `${this.keys}suppressed`, normalise(address))) === 1;
  }

  /** Of many addresses, the Set of those that must not be mailed now, as given.  It also holds what is no address. */
  async suppressedAmong(redis, addresses) {
    const all = [...addresses].map((address) => [address, normalisedOrNull(address)]);
    const asked = all.filter(([, known]) => known);
    const suppressed = new Set(all.filter(([, known]) => !known).map(([address]) => address));
    for (let i = 0; i < asked.length; i += BATCH) {
      const batch = asked.slice(i, i + BATCH);
      const answers = await redis('SMISMEMBER', `${this.keys}suppressed`, ...batch.map(([, known]) => known));
      batch.forEach(([address], place) => Number(answers[place]) === 1 && suppressed.add(address));
    }
    return suppressed;
  }

  /** Tell what you know: delivered, engaged, rejected (with reply, mta, stage), subscribed, unsubscribed, complained. */
  async report(redis, type, address, more = {}) {
    if (!TOLD.includes(type)) throw new Error(`not one of ${TOLD.join(', ')}: ${type}`);
    if (type === 'rejected' && !more.reply) throw new Error('rejected needs the reply, such as 550 5.1.1 no such user');
    return this.#tell(redis, { type, address: normalise(address), ...more });
  }

  /** Tell how many messages of a campaign were sent, if you like to one recipient domain.  Rates need this. */
  async reportSent(redis, count, { campaign = '', domain = '' } = {}) {
    if (!Number.isSafeInteger(count) || count < 1) throw new Error(`not a count: ${count}`);
    return this.#tell(redis, { type: 'sent', count, campaign, domain });
  }

  #tell(redis, fields) {
    const given = Object.entries({ at: Math.floor(Date.now() / 1000), ...fields }).filter(([, value]) => value !== '');
    return redis('XADD', `${this.keys}intake`, '*', ...given.flat().map(String));
  }

  /** The signed return path, or null if a token is needed. */
  signed(address, mail = {}) {
    return this.#sign(this.prefix, [], address, mail);
  }

  /** The signed unsubscribe path, or null if a token is needed. */
  signedUnsubscribe(address, mail = {}) {
    return this.#sign('u-', ['unsubscribe'], address, mail);
  }

  #sign(prefix, form, address, { tag = '', optIn = 'unknown', engagement = 'unknown', date = new Date() } = {}) {
    if (!/^[a-z0-9-]{0,8}$/.test(tag)) throw new Error(`not a tag: ${tag}`);
    const recipient = normalise(address);
    if (!FITS.test(recipient)) return null;
    const day = base32(Math.floor(date.getTime() / DAY_MS), 3);
    const profile = (place(optIn, OPT_IN) << 3) | (place(engagement, ENGAGEMENT) << 1);
    const covered = [...form, this.list, this.keyId, day, BASE32[profile], tag, recipient].join('\0');
    const mac = leading(this.#hmac(covered), 13);
    const masked = BASE32[profile ^ (this.#hmac(`profile\0${mac}`)[0] >> 3)];
    const [local, domain] = recipient.split('@');
    const localPart = `${prefix}${this.keyId}${day}${masked}${mac}=${tag}=${local}=${domain}`;
    return localPart.length > 64 ? null : `${localPart}@${this.bounceDomain}`;
  }

  tokenPath(token, unsubscribes = false) {
    return `${unsubscribes ? 'u-' : this.prefix}t${token}@${this.bounceDomain}`;
  }

  async registerToken(
    redis, address, { tag = '', optIn = 'unknown', engagement = 'unknown', date = new Date() } = {}, unsubscribes = false,
  ) {
    const token = newToken(randomBytes(17));
    const key = `${this.keys}token:${token}`;
    const issued = date.toISOString().slice(0, 10);
    const profile = `${optIn} ${engagement}`;
    const fields = ['recipient', normalise(address), 'issued', issued, 'campaign', tag, 'profile', profile];
    if (unsubscribes) fields.push('purpose', 'unsubscribe');
    await redis('HSET', key, ...fields);
    await redis('EXPIRE', key, String((unsubscribes ? UNSUBSCRIBE_DAYS : this.tokenDays) * DAY_S));
    return this.tokenPath(token, unsubscribes);
  }

  #hmac(text) {
    return createHmac('sha256', this.secret).update(text).digest();
  }
}

function normalisedOrNull(address) {
  try {
    return normalise(address);
  } catch {
    return null;
  }
}

/** An address as it is signed and stored.  Throws if it is no address. */
export function normalise(address) {
  const text = address.normalize('NFC');
  const at = text.lastIndexOf('@');
  if (at < 0 || /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)) throw new Error('not an address');
  let local = text.slice(0, at);
  if (!DOT_ATOM.test(local)) {
    if (!/^"(?:[^"\\]|\\.)*"$/.test(local)) throw new Error('not an address');
    const content = local.slice(1, -1).replace(/\\(.)/g, '$1');
    local = DOT_ATOM.test(content) ? content : `"${content.replace(/(["\\])/g, '\\$1')}"`;
  }
  const domain = text.slice(at + 1);
  const ascii = (/^[\x00-\x7f]*$/.test(domain) ? domain.toLowerCase() : domainToASCII(domain)).replace(/\.$/, '');
  if (!DOMAIN.test(ascii)) throw new Error('not an address');
  return `${local.replace(/[A-Z]/g, (letter) => letter.toLowerCase())}@${ascii}`;
}

export function newToken(random) {
  return leading(random, 26);
}

/** Everything but A-Z, a-z, 0-9, _, ., - and ~ percent-encoded.  (RFC 3986 section 2.3) */
function percent(text) {
  const encode = (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, encode);
}

function place(word, words) {
  if (!words.includes(word)) throw new Error(`not one of ${words.join(', ')}: ${word}`);
  return words.indexOf(word);
}

function base32(number, length) {
  return length ? base32(number >> 5, length - 1) + BASE32[number & 31] : '';
}

/** The secret in the content of a key's file or variable, without what editors add around it. */
function keyOf(secret) {
  const octets = Buffer.from(secret).toString('latin1');
  const text = octets.replace(/^\xef\xbb\xbf/, '');
  const isText = text !== octets || /^[\t\r\n\x20-\x7e]*$/.test(octets);
  const key = isText ? text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') : octets.replace(/[\r\n]+$/, '');
  if (/^(?:\xff\xfe|\xfe\xff)/.test(octets) || key.length < 16 || /^\0*$/.test(key)) {
    throw new Error('not a good key: at least 16 octets, not UTF-16');
  }
  return Buffer.from(key, 'latin1');
}

function leading(octets, length) {
  const bits = Array.from(octets, (octet) => octet.toString(2).padStart(8, '0')).join('');
  return Array.from({ length }, (_, i) => BASE32[parseInt(bits.slice(5 * i, 5 * i + 5), 2)]).join('');
}
