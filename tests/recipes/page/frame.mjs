// Stands around the example for Node in docs/client.md: a mail to send, and what sends it.

const to = process.env.RECIPIENT;
const recipients = ['alice@example.org', 'bob@example.net'];
const mail = { subject: 'November', text: 'Hello!' };
const sent = [];
const transport = { sendMail: async ({ headers, envelope }) => sent.push({ from: envelope.from, headers }) };

// EXAMPLE

console.log(JSON.stringify({ sent, left }));
client.socket.end();
