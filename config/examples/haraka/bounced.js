'use strict';
// Haraka as the MTA that sends: refuse suppressed recipients.
// Copy to plugins/bounced.js, add "bounced" to config/plugins, `npm install redis` (version 4 or later).
// config/bounced.ini:  url = redis://127.0.0.1:6379/0   key = bounced:{main}:suppressed   fail = open
// While Redis is away, or does not answer within 2 seconds, fail = open lets mail go out, and fail = closed answers 450.

const { createClient } = require('redis');

const ANSWER_WITHIN_MS = 2000;
const MAX_UNANSWERED = 1000; // questions to a server that hangs; more are not kept

exports.register = function () {
  this.cfg = this.config.get('bounced.ini');
  this.key = this.cfg.main.key || 'bounced:{main}:suppressed';
  this.client = createClient({
    url: this.cfg.main.url || 'redis://127.0.0.1:6379/0',
    disableOfflineQueue: true, // while Redis is away, answer at once
    commandsQueueMaxLength: MAX_UNANSWERED,
    socket: { connectTimeout: 2000 },
  });
  this.client.on('error', (error) => this.logerror(`redis: ${error.message}`));
  this.client.connect().catch(() => {}); // it connects by itself when Redis is back
  this.register_hook('rcpt', 'check');
};

exports.check = async function (next, connection, params) {
  try {
    // Lower case is bounced's form for lists with fold_local_part (the default) and domains in ASCII.
    // The address is a property in newer releases of Haraka, a method in older ones.
    const { address } = params[0];
    const asked = (typeof address === 'function' ? params[0].address() : address).toLowerCase();
    // SISMEMBER answers 1 or 0; clients give a number or a boolean.
    const suppressed = Number(await inTime(this.client.sIsMember(this.key, asked))) === 1;
    return suppressed ? next(DENY, '5.7.1 recipient is on the suppression list') : next();
  } catch (error) {
    connection.logerror(this, error.message);
    return this.cfg.main.fail === 'closed' ? next(DENYSOFT, '4.3.0 suppression list cannot be asked') : next();
  }
};

function inTime(answer) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)), ANSWER_WITHIN_MS);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

exports.shutdown = function () {
  this.client.destroy?.();
};
