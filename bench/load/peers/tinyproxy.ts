// Tinyproxy: tunnels, no TLS of its own, no connections kept.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { DOMAIN } from '../ground.ts';
import { untilListening } from '../processes.ts';
import { missingOwnNames, withOwnNames } from './own-names.ts';
import { missingProgram, type Peer, saidVersion } from './peer.ts';

const TINYPROXY = '/usr/bin/tinyproxy';

export const tinyproxy: Peer = {
  name: 'tinyproxy',
  carries: ({ way }) => way === 'splice' || way === 'refuse',
  note: 'tunnels without looking into them; closes after each plain reply, so nothing is kept alive',
  missing: (ground) => missingProgram(TINYPROXY, 'tinyproxy') ?? missingOwnNames(ground),
  version: () => saidVersion(TINYPROXY, ['-v'], /(?<=tinyproxy )\S+/),
  start: async (ground, folder) => {
    const { processes, certificates, origin } = ground;
    const port = await freePort();
    const conf = join(folder, 'tinyproxy.conf');
    const filter = join(folder, 'filter');
    const log = join(folder, 'tinyproxy.log');
    writeFileSync(filter, `\\.${DOMAIN.replaceAll('.', '\\.')}$\n`);
    writeFileSync(
      conf,
      `Port ${port}
Listen 127.0.0.1
Allow 127.0.0.0/8
Timeout 600
MaxClients 2000
LogFile "${join(folder, 'access.log')}"
LogLevel Connect
ConnectPort ${origin.tlsPort}
Filter "${filter}"
FilterDefaultDeny Yes
`,
    );
    const command = withOwnNames(ground, folder, [TINYPROXY, '-d', '-c', conf]);
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
