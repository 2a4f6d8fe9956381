'use strict';
// Beside plugins/bounced.js, for its section [sign]: Haraka's plugins cannot load a recipe by themselves, this file can.

exports.load = (file) => import(file);
