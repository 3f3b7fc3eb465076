// A real sshd on loopback, with host key, user key and config in a folder of its own; and the words for its clients.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { until } from './rig.ts';
import { findTool, run } from './run.ts';
import { closedPort } from './socket-pair.ts';

const SSHD = '/usr/sbin/sshd';

/** Tests that need OpenSSH skip themselves where this is false. */
export const hasSshd: boolean =
  existsSync(SSHD) && ['ssh', 'scp', 'ssh-keygen'].every((tool) => findTool(tool) !== undefined);

export interface Sshd {
  readonly port: number;
  readonly folder: string;
  /** Words for ssh and scp, to reach it by the name `host` through a program that carries its bytes. */
  options(host: string, proxyCommand: string): string[];
  /** Who may log in. */
  readonly user: string;
  stop(): Promise<void>;
}

export async function startSshd(): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), 'sshd-'));
  const port = await closedPort();
  const file = (name: string): string => join(folder, name);
  for (const name of ['host', 'user']) {
    const made = await run(findTool('ssh-keygen') ?? '', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
    if (made.code !== 0) throw new Error(made.err);
  }
  await copyFile(file('user.pub'), file('authorized_keys'));
  await writeFile(
    file('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${file('host')}`,
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      `PidFile ${file('pid')}`,
      // The folder is that of the test, whoever runs it, below one that all may write to.
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'Subsystem sftp internal-sftp',
      '',
    ].join('\n'),
  );
  // As its unit does at start; nobody but root needs it.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const child = spawn(SSHD, ['-D', '-e', '-f', file('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(
    () => said.includes('Server listening') || child.exitCode !== null,
    'sshd',
    () => said,
    20_000,
  );
  if (child.exitCode !== null) throw new Error(`sshd ended:\n${said}`);
  const { username: user } = userInfo();
  return {
    port,
    folder,
    user,
    options: (host, proxyCommand) => [
      ...['-F', 'none', '-i', file('user')],
      ...[
        `ProxyCommand=${proxyCommand}`,
        `Port=${port}`,
        'BatchMode=yes',
        'StrictHostKeyChecking=accept-new',
        `UserKnownHostsFile=${file(`known-${host}`)}`,
        'ConnectTimeout=15',
        'LogLevel=ERROR',
      ].flatMap((option) => ['-o', option]),
    ],
    stop: async () => {
      process.off('exit', kill);
      if (child.exitCode === null) {
        kill();
        await once(child, 'exit');
      }
      await rm(folder, { recursive: true });
    },
  };
}
