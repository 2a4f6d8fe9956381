'use strict';
// Haraka as the MTA that sends: refuse suppressed recipients, and give each message its return path and header fields.
// Copy to plugins/bounced.js, add "bounced" to config/plugins, `npm install redis` (version 4 or later).
// config/bounced.ini:  url = redis://127.0.0.1:6379/0   key = bounced:{main}:suppressed   fail = open
// While Redis is away, or does not answer within 2 seconds, fail = open lets mail go out, and fail = closed answers 450.
//
// With a section [sign], and recipe.js beside this file, messages to one recipient get a return path, List-Unsubscribe and the other header fields of
// docs/return-path.md, from docs/recipes/bounced.mjs:  recipe = /etc/haraka/bounced.mjs   key_file = /etc/haraka/bounced.key
// key_id = a   list = main   bounce_domain = bounce.example.com   unsubscribe_url = https://...   sender_id = example-news
// A field X-Campaign of the message names its campaign, and goes.  Where the software that made the message gave it these
// fields already, leave the section out.  DKIM has to cover them: in config/dkim.ini, [sign], add to `headers`
// List-Unsubscribe, List-Unsubscribe-Post, Feedback-ID, CFBL-Address, CFBL-Feedback-ID.
// A complaint names its path by List-Unsubscribe and CFBL-Feedback-ID; no field with the recipient's address is needed.
//
// With a section [tell] the plugin tells bounced of each delivery and of each refusal in the dialogue:
// bounce_domain = bounce.example.com   deliveries = yes
// It tells of mail whose envelope sender is at that domain.  What a delivery to a smart host or filter of your own says is not known:
// write deliveries = no then.  Haraka's own notice to the return path goes on being sent, and a failure that is told by
// both counts once.  So a refusal that cannot be told, because Redis is away, is not lost.

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
  if (this.cfg.sign) this.register_hook('data_post', 'sign');
  if (this.cfg.tell) {
    this.intake = this.key.replace(/suppressed$/, 'intake');
    this.register_hook('bounce', 'tell_refusals');
    if (this.cfg.tell.deliveries !== 'no') this.register_hook('delivered', 'tell_deliveries');
  }
};

exports.sign = async function (next, connection) {
  const { transaction } = connection;
  if (transaction.rcpt_to.length !== 1) return next();
  try {
    const to = textOf(transaction.rcpt_to[0]);
    const mail = { tag: transaction.header.get('X-Campaign').trim() };
    transaction.remove_header('X-Campaign');
    this.signer ??= await signerOf(this.cfg.sign);
    const redis = (...command) => inTime(this.client.sendCommand(command));
    for (const [name, value] of Object.entries(await this.signer.headersFor(redis, to, mail))) {
      transaction.remove_header(name);
      transaction.add_header(name, value);
    }
    const path = await this.signer.returnPathFor(redis, to, mail);
    transaction.mail_from = new transaction.mail_from.constructor(`<${path}>`);
    return next();
  } catch (error) {
    connection.logerror(this, error.message);
    return this.cfg.main.fail === 'closed' ? next(DENYSOFT, '4.3.0 return path cannot be made') : next();
  }
};

async function signerOf(settings) {
  const { Bounced } = await require('./recipe').load(settings.recipe);
  return new Bounced({
    list: settings.list,
    bounceDomain: settings.bounce_domain,
    keyId: settings.key_id,
    secret: Bounced.keyFromFile(settings.key_file),
    unsubscribeUrl: settings.unsubscribe_url,
    senderId: settings.sender_id,
  });
}

// The address is a property in newer releases of Haraka, a method in older ones.
function textOf(mailbox) {
  return typeof mailbox.address === 'function' ? mailbox.address() : mailbox.address;
}

exports.check = async function (next, connection, params) {
  try {
    // Lower case is bounced's form for lists with fold_local_part (the default) and domains in ASCII.
    const asked = textOf(params[0]).toLowerCase();
    // SISMEMBER answers 1 or 0; clients give a number or a boolean.
    const suppressed = Number(await inTime(this.client.sIsMember(this.key, asked))) === 1;
    return suppressed ? next(DENY, '5.7.1 recipient is on the suppression list') : next();
  } catch (error) {
    connection.logerror(this, error.message);
    return this.cfg.main.fail === 'closed' ? next(DENYSOFT, '4.3.0 suppression list cannot be asked') : next();
  }
};

exports.tell_deliveries = async function (next, hmail, [host, , , , , , recipients]) {
  await this.tell(hmail, recipients, () => ({ type: 'delivered', mta: host }));
  next();
};

// What no server said (no route, no such host) has no reply, and only the notice tells of it.
exports.tell_refusals = async function (next, hmail, error) {
  const failed = error.bounced_rcpt ?? error.deferred_rcpt ?? hmail.todo.rcpt_to;
  const answered = failed.filter((recipient) => recipient.dsn_smtp_code);
  await this.tell(hmail, answered, (recipient) => ({
    type: 'rejected',
    action: 'failed',
    reply: [recipient.dsn_smtp_code, recipient.dsn_smtp_extc, recipient.dsn_smtp_response].filter(Boolean).join(' '),
    mta: recipient.dsn_remote_mta,
    stage: error.bounced_rcpt ? 'RCPT' : '', // Haraka does not say which command else
    category: /^4/.test(recipient.dsn_smtp_code) ? 'expired' : '', // tried until the queue gave up
  }));
  next(); // the notice is sent
};

exports.tell = async function (hmail, recipients, said) {
  const path = textOf(hmail.todo.mail_from);
  if (!path.toLowerCase().endsWith(`@${this.cfg.tell.bounce_domain}`)) return;
  const at = String(Math.floor(Date.now() / 1000));
  const written = recipients.map((recipient) => {
    const fields = { at, address: textOf(recipient), return_path: path, ...said(recipient) };
    const given = Object.entries(fields).filter(([, value]) => value).flat();
    return inTime(this.client.sendCommand(['XADD', this.intake, '*', ...given.map(String)]));
  });
  for (const { reason } of await Promise.allSettled(written)) if (reason) this.logerror(`not told: ${reason.message}`);
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
