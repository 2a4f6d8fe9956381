'use strict';
// Takes mail from anybody; what goes back goes to the daemon, everything else to the server that refuses it.

exports.hook_rcpt = function (next, connection) {
  connection.relaying = true;
  next(OK);
};

exports.hook_get_mx = function (next, hmail, domain) {
  const port = domain.toLowerCase() === 'bounce.example.com' ? @DAEMON@ : @REFUSER@;
  next(OK, { priority: 0, exchange: '127.0.0.1', port });
};
