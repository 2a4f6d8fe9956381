'use strict';
// Takes mail from anybody to anybody.

exports.hook_rcpt = (next, connection) => {
  connection.relaying = true;
  next(OK);
};
