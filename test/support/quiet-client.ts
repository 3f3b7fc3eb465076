// A client's socket that says nothing, for what only has to know whose an exchange is.

import { Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export function quietClient(): Socket {
  const socket = new Socket();
  onTestFinished(() => void socket.destroy());
  return socket;
}
