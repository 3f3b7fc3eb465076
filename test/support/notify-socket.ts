// The socket of a service manager, as systemd has it: takes datagrams, and tells whose they are. Python's, for Node.js has
// none of that family.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { until } from './rig.ts';

export interface NotifySocket {
  /** What a service finds in NOTIFY_SOCKET. */
  readonly name: string;
  /** One for each datagram so far, without the one that only waits for its answer. */
  readonly messages: readonly (readonly string[])[];
  /** Resolves when there are so many. */
  has(count: number): Promise<void>;
}

/** Milliseconds: a whole proxy may have to start before it says anything, on a machine that runs other tests as well. */
const START_LIMIT = 20_000;

/** `@` before the name stands for the zero byte of an abstract one. What comes with a message is closed, which answers it. */
const LISTEN = `
import array, json, os, socket, sys
name = sys.argv[1]
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind('\\0' + name[1:] if name.startswith('@') else name)
print(json.dumps(None), flush=True)
while True:
    data, extra, _, _ = ear.recvmsg(4096, socket.CMSG_SPACE(4 * 16))
    for level, kind, payload in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files = array.array('i')
            files.frombytes(payload[:len(payload) // 4 * 4])
            for each in files:
                os.close(each)
    print(json.dumps(data.decode().splitlines()), flush=True)
`;

export async function openNotifySocket(name: string): Promise<NotifySocket> {
  const child = spawn('python3', ['-c', LISTEN, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const messages: string[][] = [];
  const opened = once(lines, 'line');
  lines.on('line', (line) => {
    const message: unknown = JSON.parse(line);
    if (!Array.isArray(message) || message[0] === 'BARRIER=1') return;
    messages.push(message.map(String));
  });
  await opened;
  return {
    name,
    messages,
    has: (count) =>
      until(
        () => messages.length >= count,
        `${count} messages`,
        () => JSON.stringify(messages),
        START_LIMIT,
      ),
  };
}
