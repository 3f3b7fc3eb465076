// A config for the service of our package: what its unit has a place for goes there, and for what stays where Squid had it the
// unit is opened by a drop-in. Called by import-squid.ts.

import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Draft, Value } from './draft.ts';

/** As in the unit and its config. */
const PLACES = {
  cert: '/etc/sallyport/ca.pem',
  key: `\${CREDENTIALS_DIRECTORY:-/etc/sallyport/private}/ca-key.pem`,
  socket: '/run/sallyport/sallyport.sock',
  exceptions: '/var/lib/sallyport/exceptions.json',
  logs: '/var/log/sallyport',
} as const;
const LOGS = '/var/log/';
const OPEN_PORTS = 1_024;

/** Changes the draft. Resolves with the text of the drop-in. */
export async function placeInService(draft: Draft): Promise<string> {
  const lines = [...authority(draft), ...logFolders(draft), ...(await passwords(draft)), ...lowPorts(draft)];
  draft.set('admin', 'socket', PLACES.socket, draft.single('admin', 'socket')?.lines ?? []);
  draft.set('tls', 'exceptions', PLACES.exceptions, []);
  draft.set('log', 'audit', { path: join(PLACES.logs, 'audit.log') }, []);
  return `${['# What the service of sallyport may, made of a squid.conf by "sallyport import".', '[Service]', ...lines].join('\n')}\n`;
}

/** Its files are root's, or of the user of Squid; the service has a copy of its own, which is gone when it stops. */
function authority(draft: Draft): readonly string[] {
  const [cert, key] = [draft.single('ca', 'cert'), draft.single('ca', 'key')];
  if (typeof cert?.value !== 'string' || typeof key?.value !== 'string') {
    draft.set('ca', 'cert', PLACES.cert, []);
    draft.set('ca', 'key', PLACES.key, []);
    return [];
  }
  const names = new Map([
    [basename(key.value), key.value],
    // One file may be both; of two with one name, that of the certificate stays: it is no secret.
    ...(basename(cert.value) === basename(key.value) ? [] : [[basename(cert.value), cert.value] as const]),
  ]);
  const handedOver = (path: string): string =>
    names.get(basename(path)) === path ? `\${CREDENTIALS_DIRECTORY:-${dirname(path)}}/${basename(path)}` : path;
  draft.set('ca', 'cert', handedOver(cert.value), cert.lines);
  draft.set('ca', 'key', handedOver(key.value), key.lines);
  return [
    '# The authority of Squid, in place of our own.',
    'LoadCredential=',
    ...[...names].map(([name, path]) => `LoadCredential=${unitText(name)}:${unitText(path)}`),
  ];
}

function logFolders(draft: Draft): readonly string[] {
  const paths = draft.list('log', 'access').flatMap(({ value }) => pathOf(value));
  const folders = new Set(paths.filter((path) => path !== 'stdout').map((path) => dirname(path)));
  folders.delete(PLACES.logs);
  return [...folders].flatMap((folder) =>
    folder.startsWith(LOGS)
      ? [
          '# The log goes on where it was: from now on the folder, and all that is in it, belongs to the service.',
          `LogsDirectory=${unitText(folder.slice(LOGS.length))}`,
        ]
      : [`# The user sallyport must be able to write there.`, `ReadWritePaths=${unitText(folder)}`],
  );
}

/** What only a group may read is read as one of that group. */
async function passwords(draft: Draft): Promise<readonly string[]> {
  const basic = draft.single('auth', 'basic')?.value;
  const file = typeof basic === 'object' && 'htpasswd' in basic ? basic.htpasswd : undefined;
  if (typeof file !== 'string') return [];
  const found = await stat(file).catch(() => undefined);
  if (found && (found.mode & 0o004) !== 0) return [];
  if (found && (found.mode & 0o040) !== 0 && found.gid !== 0) {
    return [`# Who may read ${printable(file)}.`, `SupplementaryGroups=${found.gid}`];
  }
  return [
    `# The service cannot read the passwords yet: chgrp sallyport ${printable(file)}; chmod 640 ${printable(file)}`,
  ];
}

function lowPorts(draft: Draft): readonly string[] {
  const ports = draft
    .list('listen', '')
    .map(({ value }) => (typeof value === 'object' && 'port' in value ? value.port : 0));
  if (!ports.some((port) => Number(port) > 0 && Number(port) < OPEN_PORTS)) return [];
  return [
    `# A port below ${OPEN_PORTS}; sallyport.socket could open it, too.`,
    'AmbientCapabilities=CAP_NET_BIND_SERVICE',
    'CapabilityBoundingSet=CAP_NET_BIND_SERVICE',
    'PrivateUsers=no',
  ];
}

function pathOf(value: Value): readonly string[] {
  return typeof value === 'object' && 'path' in value && typeof value.path === 'string' ? [value.path] : [];
}

const printable = (text: string): string => text.replace(/[\x00-\x1f\x7f]/g, '?');
/** A percent sign begins a specifier (systemd.unit(5)). */
const unitText = (text: string): string => printable(text).replaceAll('%', '%%');
