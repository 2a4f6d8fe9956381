// Return paths and the suppression list of bounced, from Node 18 or later, without dependencies.
// `redis` is any function that sends one command: with the npm package redis, (...args) => client.sendCommand(args).

import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { domainToASCII } from 'node:url';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const OPT_IN = ['unknown', 'single', 'confirmed', 'imported'];
const ENGAGEMENT = ['unknown', 'active', 'inactive', 'first_mail'];
const DOT_ATOM = /^(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]|[^\x00-\x7f\s])+$/;
const DOMAIN = /^(?:(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[a-z0-9.:-]+\])$/;
const FITS = /^[a-z0-9#$&'*+=?^_`{}~-]+(?:\.[a-z0-9#$&'*+=?^_`{}~-]+)*@[a-z0-9._-]+$/;
const DAY_MS = 86_400_000;

export class Bounced {
  constructor({ list = 'main', bounceDomain, keyId, secret, prefix = 'b-', keyPrefix = 'bounced' }) {
    Object.assign(this, { list, bounceDomain, keyId, secret: keyOf(secret), prefix });
    this.keys = `${keyPrefix}:{${list}}:`;
  }

  /** What `secret` is to be, from a file.  Throws an error that names the file. */
  static keyFromFile(file) {
    try {
      return keyOf(readFileSync(file));
    } catch (error) {
      throw new Error(`${file}: ${error.message}`);
    }
  }

  /** The envelope sender for one message; a token is registered where the recipient does not fit. */
  async returnPathFor(redis, address, mail = {}) {
    return this.signed(address, mail) ?? this.registerToken(redis, address, mail);
  }

  async isSuppressed(redis, address) {
    return Number(await redis('SISMEMBER', `${this.keys}suppressed`, normalise(address))) === 1;
  }

  /** Tell what you know: delivered, engaged, rejected (with reply), subscribed, unsubscribed, complained. */
  async report(redis, type, address, more = {}) {
    const fields = { type, at: Math.floor(Date.now() / 1000), address: normalise(address), ...more };
    return redis('XADD', `${this.keys}intake`, '*', ...Object.entries(fields).flat().map(String));
  }

  /** The signed return path, or null where a token is needed. */
  signed(address, { tag = '', optIn = 'unknown', engagement = 'unknown', date = new Date() } = {}) {
    if (!/^[a-z0-9-]{0,8}$/.test(tag)) throw new Error(`not a tag: ${tag}`);
    const recipient = normalise(address);
    if (!FITS.test(recipient)) return null;
    const day = base32(Math.floor(date.getTime() / DAY_MS), 3);
    const profile = (place(optIn, OPT_IN) << 3) | (place(engagement, ENGAGEMENT) << 1);
    const covered = [this.list, this.keyId, day, BASE32[profile], tag, recipient].join('\0');
    const mac = leading(this.#hmac(covered), 13);
    const masked = BASE32[profile ^ (this.#hmac(`profile\0${mac}`)[0] >> 3)];
    const [local, domain] = recipient.split('@');
    const localPart = `${this.prefix}${this.keyId}${day}${masked}${mac}=${tag}=${local}=${domain}`;
    return localPart.length > 64 ? null : `${localPart}@${this.bounceDomain}`;
  }

  tokenPath(token) {
    return `${this.prefix}t${token}@${this.bounceDomain}`;
  }

  async registerToken(redis, address, { tag = '', optIn = 'unknown', engagement = 'unknown', date = new Date() } = {}) {
    const token = newToken(randomBytes(17));
    const key = `${this.keys}token:${token}`;
    const issued = date.toISOString().slice(0, 10);
    const profile = `${optIn} ${engagement}`;
    await redis('HSET', key, 'recipient', normalise(address), 'issued', issued, 'campaign', tag, 'profile', profile);
    await redis('EXPIRE', key, '2592000');
    return this.tokenPath(token);
  }

  #hmac(text) {
    return createHmac('sha256', this.secret).update(text).digest();
  }
}

/** An address as it is signed and stored.  Throws for what is none. */
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

function place(word, words) {
  if (!words.includes(word)) throw new Error(`not one of ${words.join(', ')}: ${word}`);
  return words.indexOf(word);
}

function base32(number, length) {
  return length ? base32(number >> 5, length - 1) + BASE32[number & 31] : '';
}

/** The secret in what a key's file or variable holds: what editors add around it does not count. */
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
