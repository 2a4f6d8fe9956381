'use strict';
// What one writes in an afternoon with Haraka and Redis: takes bounces, writes who failed for good, and then says 250.
// It reads the fields of delivery reports only, which is less than flufl.bounce does; it writes the same keys as piped.py.

const { Writable } = require('node:stream');
const { createClient } = require('redis');

const HISTORY = 8;
const EVENTS_MAX = 1000000;

exports.register = function () {
  this.client = createClient({ socket: { path: '@REDIS@' } });
  this.client.on('error', (error) => this.logerror(`redis: ${error.message}`));
  this.client.connect().catch(() => {});
};

exports.hook_rcpt = (next) => next(OK);

exports.hook_queue = function (next, connection) {
  const { transaction } = connection;
  const to = transaction.rcpt_to[0];
  const octets = [];
  const whole = new Writable({
    write(piece, _encoding, done) {
      octets.push(piece);
      done();
    },
    final: (done) => {
      done();
      this.write(`${to.user}@${to.host}`, failuresIn(Buffer.concat(octets).toString('latin1'))).then(
        () => next(OK),
        (error) => next(DENYSOFT, error.message),
      );
    },
  });
  transaction.message_stream.pipe(whole);
};

exports.write = async function (path, failures) {
  const multi = this.client.multi();
  for (const address of failures.permanent) {
    const key = `naive:address:${address}`;
    multi.sAdd('naive:suppressed', address);
    multi.hSet(key, { state: 'suppressed', since: Math.floor(Date.now() / 1000) });
    multi.hIncrBy(key, 'bounces', 1);
    multi.lPush(`naive:history:${address}`, 'bounced');
    multi.lTrim(`naive:history:${address}`, 0, HISTORY - 1);
  }
  multi.hIncrBy('naive:counts', 'temporary', failures.temporary.size);
  multi.hIncrBy('naive:counts', 'permanent', failures.permanent.size);
  multi.xAdd('naive:events', '*', { path }, { TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: EVENTS_MAX } });
  await multi.exec();
};

function failuresIn(text) {
  const found = { temporary: new Set(), permanent: new Set() };
  for (const group of text.split(/\r?\n\r?\n/)) {
    const recipient = /^Final-Recipient:[^;\r\n]*;\s*<?([^\s<>]+)/im.exec(group);
    const action = /^Action:\s*(\w+)/im.exec(group);
    if (!recipient || !action) continue;
    const kind = { failed: 'permanent', delayed: 'temporary' }[action[1].toLowerCase()];
    if (kind) found[kind].add(recipient[1]);
  }
  return found;
}
