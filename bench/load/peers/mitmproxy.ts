// mitmdump, one line per flow as its log.

import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { HOSTS } from '../ground.ts';
import { untilListening } from '../processes.ts';
import { missingOwnNames, withOwnNames } from './own-names.ts';
import { missingProgram, type Peer, saidVersion } from './peer.ts';

const MITMDUMP = '/usr/bin/mitmdump';

export const mitmproxy: Peer = {
  name: 'mitmproxy',
  carries: ({ way }) => way !== 'refuse',
  note: 'mitmdump; bodies above 1 MB are streamed, since it would hold them whole',
  missing: (ground) => missingProgram(MITMDUMP, 'mitmproxy') ?? missingOwnNames(ground),
  version: () => saidVersion(MITMDUMP, ['--version'], /(?<=Mitmproxy: )\S+/),
  start: async (ground, folder) => {
    const { processes, certificates } = ground;
    const port = await freePort();
    const log = join(folder, 'mitmdump.log');
    copyFileSync(certificates.peerCa.both, join(folder, 'mitmproxy-ca.pem'));
    writeFileSync(
      join(folder, 'config.yaml'),
      `listen_host: 127.0.0.1
listen_port: ${port}
ssl_verify_upstream_trusted_ca: ${certificates.root}
ignore_hosts: ['^${HOSTS.splice.replaceAll('.', '\\.')}(:|$)']
stream_large_bodies: 1m
`,
    );
    const command = withOwnNames(ground, folder, [MITMDUMP, '--set', `confdir=${folder}`]);
    const child = processes.start('unshare', command, log);
    return {
      pid: await untilListening(child, port, log),
      ca: certificates.peerCa.cert,
      reverse: false,
      portFor: () => port,
      stop: () => processes.stop(child),
    };
  },
};
