'use strict';
// Haraka as the MTA that sends: refuse suppressed recipients.
// Copy to plugins/bounced.js, add "bounced" to config/plugins, `npm install redis` (version 4 or later).
// config/bounced.ini:  url = redis://127.0.0.1:6379/0   key = bounced:{main}:suppressed   fail = open

const { createClient } = require('redis');

exports.register = function () {
  this.cfg = this.config.get('bounced.ini');
  this.key = this.cfg.main.key || 'bounced:{main}:suppressed';
  this.client = createClient({
    url: this.cfg.main.url || 'redis://127.0.0.1:6379/0',
    disableOfflineQueue: true, // while Redis is away, answer at once
    socket: { connectTimeout: 2000 },
  });
  this.client.on('error', (error) => this.logerror(`redis: ${error.message}`));
  this.client.connect().catch(() => {}); // it connects by itself when Redis is back
  this.register_hook('rcpt', 'check');
};

exports.check = async function (next, connection, params) {
  // Lower case is bounced's form for lists with fold_local_part (the default) and domains in ASCII.
  const address = params[0].address().toLowerCase();
  try {
    // SISMEMBER answers 1 or 0; clients give a number or a boolean.
    const suppressed = Number(await this.client.sIsMember(this.key, address)) === 1;
    return suppressed ? next(DENY, '5.7.1 recipient is on the suppression list') : next();
  } catch (error) {
    connection.logerror(this, error.message);
    return this.cfg.main.fail === 'closed' ? next(DENYSOFT, '4.3.0 suppression list cannot be asked') : next();
  }
};

exports.shutdown = function () {
  this.client.destroy?.();
};
