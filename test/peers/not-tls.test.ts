// What is not TLS inside CONNECT, by the programs that speak it: refused unless the rule says `tls: tunnel`, and then
// whole, whoever speaks first.

import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpOrigin, type Origin, tcpOrigin } from '../support/origin.ts';
import { openRig, type Rig, startRig } from '../support/rig.ts';
import { findTool, type Ran, run } from '../support/run.ts';
import { hasSshd, type Sshd, startSshd } from '../support/sshd.ts';

const CURL = findTool('curl');
const NC = findTool('nc');
const SSH = findTool('ssh') ?? '';
const SCP = findTool('scp') ?? '';
/** That of OpenBSD knows proxies. */
const hasNc = NC !== undefined && /-X proto/.test((await run(NC, ['-h'])).err);
const hasAll = hasSshd && hasNc;
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.skipIf(!hasAll)(`OpenSSH by ProxyCommand${hasAll ? '' : ' (skipped: no sshd, ssh or nc here)'}`, () => {
  let sshd: Sshd;
  let rig: Rig;

  beforeAll(async () => {
    sshd = await startSshd();
    rig = await openRig({
      hosts: { 'ssh.test': '127.0.0.1', 'bump.test': '127.0.0.1', 'splice.test': '127.0.0.1' },
      policy: {
        connectPorts: [443, sshd.port],
        rules: [
          { name: 'shell', hosts: ['ssh.test'], action: 'allow', tls: 'tunnel' },
          { name: 'decrypt', hosts: ['bump.test'], action: 'allow' },
          { name: 'unread', hosts: ['splice.test'], action: 'allow', tls: 'splice' },
        ],
      },
    });
  });
  afterAll(async () => {
    await rig.proxy.close(0);
    await sshd.stop();
  });
  const words = (host: string): string[] => sshd.options(host, `${NC} -X connect -x 127.0.0.1:${rig.port} %h %p`);

  test('runs a command and copies 10 MB each way, and the log has a line for each half', async () => {
    const said = await run(SSH, [...words('ssh.test'), `${sshd.user}@ssh.test`, 'echo out; echo err >&2; exit 7']);
    expect({ ...said, out: said.out.toString() }).toEqual({ code: 7, out: 'out\n', err: 'err\n' });

    const content = randomBytes(10 << 20);
    const [here, there, back] = ['here', 'there', 'back'].map((name) => join(sshd.folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(here, content);
    const up = await run(SCP, ['-q', ...words('ssh.test'), here, `${sshd.user}@ssh.test:${there}`]);
    expect(up).toMatchObject({ code: 0, err: '' });
    expect(sha256(await readFile(there))).toBe(sha256(content));
    const down = await run(SCP, ['-q', ...words('ssh.test'), `${sshd.user}@ssh.test:${there}`, back]);
    expect(down).toMatchObject({ code: 0, err: '' });
    expect(sha256(await readFile(back))).toBe(sha256(content));

    const authority = `ssh.test:${sshd.port}`;
    const lines = (await rig.lines(6)).map((line) => line.replace('_ABORTED', ''));
    expect(lines).toEqual(
      Array(3)
        .fill([
          `NONE_NONE/200 0 CONNECT ${authority} - HIER_NONE/- -`,
          `TCP_TUNNEL/200 N - ${authority} - HIER_DIRECT/127.0.0.1 -`,
        ])
        .flat(),
    );
    const tunnels = (await rig.entries(6)).filter(({ tag }) => String(tag).startsWith('TCP_TUNNEL'));
    expect(tunnels).toHaveLength(3);
    for (const tunnel of tunnels) expect(tunnel).toMatchObject({ rule: 'shell', tls: 'tunnel', action: 'allow' });
    const sizes = tunnels.map(({ bytes, bytes_in }) => [
      Number(bytes) > content.length,
      Number(bytes_in) > content.length,
    ]);
    expect(sizes).toEqual([
      [false, false],
      [false, true],
      [true, false],
    ]);
  });

  test.each([
    ['bump.test', 'bump'],
    ['splice.test', 'splice'],
  ])('to %s, whose rule says %s, is closed before sshd hears of it, with a reason', async (host, tls) => {
    const before = (await rig.entries(0)).length;
    const refused = await run(SSH, [...words(host), `${sshd.user}@${host}`, 'true']);
    expect(refused).toMatchObject({ code: 255, err: expect.stringMatching(/closed|reset/i) });
    expect(await rig.lines(before + 1)).toHaveLength(before + 1);
    expect((await rig.entries(before + 1))[before]).toMatchObject({
      outcome: 'terminated',
      error: 'not-tls',
      error_detail:
        'It is no protocol that this proxy knows; only a rule with tls: tunnel lets through what is not TLS.',
      status: 200,
      tls,
    });
  });

  test('to a host that no rule allows is refused at the CONNECT', async () => {
    const before = (await rig.entries(0)).length;
    const refused = await run(SSH, [...words('no.test'), `${sshd.user}@no.test`, 'true']);
    expect(refused).toMatchObject({
      code: 255,
      err: expect.stringMatching(/Proxy error: "HTTP\/1\.1 403 Denied by default: /),
    });
    expect((await rig.lines(before + 1))[before]).toBe(
      `TCP_DENIED/403 N CONNECT no.test:${sshd.port} - HIER_NONE/- text/html`,
    );
  });
});

/** Speaks first, and takes one mail. */
function smtp(socket: Socket, onMail: (text: string) => void): void {
  let mail: string | undefined;
  let held = '';
  const answers: Readonly<Record<string, string>> = {
    EHLO: '250 mail.test',
    MAIL: '250 ok',
    RCPT: '250 ok',
    DATA: '354 go on',
  };
  const hear = (line: string): void => {
    if (mail !== undefined && line !== '.') {
      mail += `${line}\n`;
      return;
    }
    if (mail !== undefined) {
      onMail(mail);
      mail = undefined;
      socket.write('250 taken\r\n');
      return;
    }
    const verb = line.slice(0, 4);
    if (verb === 'DATA') mail = '';
    if (verb === 'QUIT') socket.end('221 bye\r\n');
    else socket.write(`${answers[verb] ?? '500 what'}\r\n`);
  };
  socket.write('220 mail.test speaks first\r\n');
  socket.setEncoding('latin1').on('data', (text: string) => {
    const lines = (held + text).split('\r\n');
    held = lines.pop() ?? '';
    for (const line of lines) hear(line);
  });
}

describe.skipIf(!CURL)(`curl through CONNECT${CURL ? '' : ' (skipped: no curl here)'}`, () => {
  let mailer: Origin;
  let web: Origin;
  const mails: string[] = [];
  const bodies: string[] = [];
  const curl = (port: number, words: readonly string[], input?: string): Promise<Ran> =>
    run(
      CURL ?? '',
      ['-sS', '--max-time', '15', '-p', '-x', `http://127.0.0.1:${port}`, ...words],
      input === undefined ? {} : { input },
    );

  beforeAll(async () => {
    mailer = await tcpOrigin((socket) => smtp(socket, (mail) => mails.push(mail)));
    web = await httpOrigin((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        bodies.push(`${request.method} ${request.url} ${body}`);
        response.writeHead(201).end('stored');
      });
    });
  });
  afterAll(async () => {
    await mailer.close();
    await web.close();
  });
  const rigFor = (tls: 'tunnel' | 'bump'): Promise<Rig> =>
    startRig({
      hosts: { 'mail.test': '127.0.0.1', 'web.test': '127.0.0.1' },
      policy: { rules: [{ name: 'all', hosts: ['.test'], action: 'allow', tls }] },
      limits: { handshakeTimeout: 300 },
    });
  const mail = (): string[] => [
    `smtp://mail.test:${mailer.port}/me`,
    ...['--mail-from', 'a@b.test', '--mail-rcpt', 'c@d.test', '--upload-file', '/dev/stdin', '--crlf'],
  ];
  /** As Fluent Bit's http output does with a proxy: CONNECT, whatever the port, and the request behind it in plain. */
  const post = (): string[] => [
    ...['-H', 'Content-Type: application/json', '--data-binary', '[{"log":"line"}]'],
    `http://web.test:${web.port}/ingest`,
  ];

  test('sends a mail, though the server speaks first', async () => {
    const rig = await rigFor('tunnel');
    const file = join(rig.folder, 'mail');
    await writeFile(file, 'Subject: hello\n\nfrom afar\n');
    const ran = await curl(
      rig.port,
      mail().map((word) => (word === '/dev/stdin' ? file : word)),
    );
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(mails).toEqual(['Subject: hello\n\nfrom afar\n']);
    expect(await rig.lines(2)).toEqual([
      `NONE_NONE/200 0 CONNECT mail.test:${mailer.port} - HIER_NONE/- -`,
      expect.stringMatching(
        new RegExp(`^TCP_TUNNEL(_ABORTED)?/200 N - mail\\.test:${mailer.port} - HIER_DIRECT/127\\.0\\.0\\.1 -$`),
      ),
    ]);
  });

  test('posts in plain as Fluent Bit does', async () => {
    const rig = await rigFor('tunnel');
    const ran = await curl(rig.port, post());
    expect({ ...ran, out: ran.out.toString() }).toEqual({ code: 0, out: 'stored', err: '' });
    expect(bodies).toEqual(['POST /ingest [{"log":"line"}]']);
    expect(await rig.lines(2)).toEqual([
      `NONE_NONE/200 0 CONNECT web.test:${web.port} - HIER_NONE/- -`,
      expect.stringMatching(/^TCP_TUNNEL(_ABORTED)?\/200 N - web\.test:\d+ - HIER_DIRECT\/127\.0\.0\.1 -$/),
    ]);
  });

  test('is refused both where the rule does not say tunnel, and the log says how it could pass', async () => {
    const rig = await rigFor('bump');
    const [mailed, posted] = [mailer.accepted, web.accepted];
    const file = join(rig.folder, 'mail');
    await writeFile(file, 'x');
    expect(
      (
        await curl(
          rig.port,
          mail().map((word) => (word === '/dev/stdin' ? file : word)),
        )
      ).code,
    ).not.toBe(0);
    expect((await curl(rig.port, post())).code).not.toBe(0);
    const mend = 'only a rule with tls: tunnel lets through what is not TLS.';
    expect((await rig.entries(2)).map(({ outcome, error, error_detail }) => [outcome, error, error_detail])).toEqual([
      ['timed_out', 'hello-timeout', `The client said nothing; ${mend}`],
      ['terminated', 'not-tls', `It looks like plain HTTP; ${mend}`],
    ]);
    expect([mailer.accepted, web.accepted]).toEqual([mailed, posted]);
  });
});
