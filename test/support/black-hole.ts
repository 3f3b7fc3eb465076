// An address of loopback that neither accepts nor refuses: a listener in another process whose queue is full, so that the
// system drops each further SYN.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

const PROGRAM = `
import socket, sys
listener = socket.socket()
listener.bind((sys.argv[1], 0))
listener.listen(0)
waiting = []
for _ in range(4):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(listener.getsockname())
    waiting.append(one)
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
`;

/** The port; gone when the test that called this has ended. */
export async function blackHole(address: string): Promise<number> {
  const child = spawn('python3', ['-c', PROGRAM, address], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  const [line] = await once(child.stdout, 'data');
  return Number(String(line));
}
