'use strict';
// Takes mail from anybody to anybody, and answers with what becomes of its envelope and header.

exports.hook_rcpt = (next, connection) => {
  connection.relaying = true;
  next(OK);
};

exports.hook_queue_outbound = (next, { transaction }) => {
  const header = transaction.header.lines().map((line) => /^([^:]+): *(.*?)\s*$/s.exec(line).slice(1));
  next(OK, JSON.stringify({ from: transaction.mail_from.toString(), header }));
};
