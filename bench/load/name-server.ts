// A process of the bench: answers every name with 127.0.0.1, so that a host may be new. Started with the address and port
// to bind; sends its port, or the code of the error that stood in the way.

import { createSocket } from 'node:dgram';

const TYPE_A = 1;
const TTL = 300;

const [address = '127.0.0.1', port = '0'] = process.argv.slice(2);
const socket = createSocket('udp4');
process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of a terminal: who started this decides when it ends.
process.on('SIGINT', () => undefined);
socket.on('error', (error: NodeJS.ErrnoException) => process.send?.({ failed: error.code ?? error.message }));
socket.on('message', (question, from) => {
  const reply = answer(question);
  if (reply) socket.send(reply, from.port, from.address);
});
socket.bind(Number(port), address, () => process.send?.({ port: socket.address().port }));

/** RFC 1035 section 4.1; what asks for another type than A gets no records, which says that there are none. */
function answer(message: Buffer): Buffer | undefined {
  let at = 12;
  for (let size = message[at] ?? 0; size > 0; size = message[at] ?? 0) at += 1 + size;
  const end = at + 5;
  if (end > message.length) return undefined;
  const isA = message.readUInt16BE(at + 1) === TYPE_A;
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isA ? 1 : 0, 6);
  if (!isA) return Buffer.concat([header, message.subarray(12, end)]);
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0); // the name of the question, by pointer
  record.writeUInt16BE(TYPE_A, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(TTL, 6);
  record.writeUInt16BE(4, 10);
  record.set([127, 0, 0, 1], 12);
  return Buffer.concat([header, message.subarray(12, end), record]);
}
