// The manifests: each object as its schema wants it, and all of them agreeing about names, labels, ports and users. The schemas
// are those of Kubernetes itself, cut down to what stands in our files: an unknown key is an error here too.

import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { AddressGuard } from '../../src/policy/address-guard.ts';
import { parseAddress } from '../../src/policy/address-set.ts';
import { GRACE } from '../../src/proxy.ts';
import { ROOT } from '../support/program.ts';
import { OBJECT_SCHEMAS } from './kubernetes-schemas.ts';

const FOLDER = join(ROOT, 'config/kubernetes');

interface Manifest {
  readonly file: string;
  readonly kind: string;
  readonly object: unknown;
}

const manifests: readonly Manifest[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .flatMap((file) =>
    parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8'), { strict: true }).map((document) => {
      const { errors, warnings } = document;
      if (errors.length + warnings.length > 0) throw new Error(`${file}: ${[...errors, ...warnings].join()}`);
      const object: unknown = document.toJS();
      return { file, kind: String(at(object, 'kind')), object };
    }),
  );

/** What stands at a path of keys and indexes; undefined where there is nothing. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found: unknown = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.entries(found).find(([name]) => name === String(key))?.[1];
  }
  return found;
}

function objectOf(kind: string, name = 'sallyport'): unknown {
  const found = manifests.find((one) => one.kind === kind && at(one.object, 'metadata', 'name') === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found.object;
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const deployment = objectOf('Deployment');
const pod = at(deployment, 'spec', 'template', 'spec');
const container = at(pod, 'containers', 0);
const podLabels = at(deployment, 'spec', 'template', 'metadata', 'labels');
const namedPorts = new Map(list(at(container, 'ports')).map((port) => [at(port, 'name'), at(port, 'containerPort')]));

/** The config of the map, as the pod reads it. */
async function podConfig() {
  const file = join(mkdtempSync(join(tmpdir(), 'pod-')), 'sallyport.yaml');
  writeFileSync(file, String(at(objectOf('ConfigMap'), 'data', 'sallyport.yaml')));
  return loadConfig(file);
}

describe('each object', () => {
  test('there are all that belong to it', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'HorizontalPodAutoscaler',
      'Kustomization',
      'Namespace',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'Service',
      'ServiceMonitor',
    ]);
  });

  test.each(manifests.map(({ file, kind, object }) => [`${kind} of ${file}`, kind, object] as const))(
    '%s is as its schema wants it',
    (_, kind, object) => {
      const parsed = OBJECT_SCHEMAS.get(kind)?.safeParse(object);
      const issues = parsed?.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
      expect({ known: parsed !== undefined, issues }).toEqual({ known: true, issues: undefined });
    },
  );

  test('is in the list of what is applied, or is named there for those who want it', () => {
    const text = readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8');
    const applied = list(at(objectOfKustomization(), 'resources'));
    for (const { file, kind } of manifests.filter((one) => one.kind !== 'Kustomization')) {
      if (kind === 'ServiceMonitor' || file === 'service-monitor.yaml') expect(text).toContain(`# - ${file}`);
      else expect(applied).toContain(file);
    }
  });
});

function objectOfKustomization(): unknown {
  return manifests.find(({ kind }) => kind === 'Kustomization')?.object;
}

describe('together', () => {
  test.each<[string, unknown]>([
    ['the deployment', at(deployment, 'spec', 'selector', 'matchLabels')],
    ['the service', at(objectOf('Service'), 'spec', 'selector')],
    ['the service of the metrics', at(objectOf('Service', 'sallyport-admin'), 'spec', 'selector')],
    ['the disruption budget', at(objectOf('PodDisruptionBudget'), 'spec', 'selector', 'matchLabels')],
    ['the network policy', at(objectOf('NetworkPolicy'), 'spec', 'podSelector', 'matchLabels')],
    ['the spread', at(pod, 'topologySpreadConstraints', 0, 'labelSelector', 'matchLabels')],
  ])('%s means the pods of the deployment', (_, selector) => {
    expect(selector).toEqual(podLabels);
    expect(podLabels).toEqual({ 'app.kubernetes.io/name': 'sallyport' });
  });

  test('the monitor finds the service of the metrics, and only that', () => {
    const wanted = at(objectOf('ServiceMonitor'), 'spec', 'selector', 'matchLabels');
    expect(at(objectOf('Service', 'sallyport-admin'), 'metadata', 'labels')).toEqual(wanted);
    expect(at(objectOf('Service'), 'metadata', 'labels')).not.toEqual(wanted);
    const endpoint = at(objectOf('ServiceMonitor'), 'spec', 'endpoints', 0, 'port');
    expect(at(objectOf('Service', 'sallyport-admin'), 'spec', 'ports', 0, 'name')).toBe(endpoint);
  });

  test('the autoscaler scales the deployment, which does not say how many there are', () => {
    const { apiVersion, kind } = { apiVersion: at(deployment, 'apiVersion'), kind: at(deployment, 'kind') };
    expect(at(objectOf('HorizontalPodAutoscaler'), 'spec', 'scaleTargetRef')).toEqual({
      apiVersion,
      kind,
      name: at(deployment, 'metadata', 'name'),
    });
    expect(at(deployment, 'spec', 'replicas')).toBeUndefined();
    // A share of nothing is no measure.
    expect(at(container, 'resources', 'requests', 'cpu')).toBe('2');
  });

  test('every port by name is one of the container, and those are the ports of the config', async () => {
    const { listen, admin } = await podConfig();
    expect(Object.fromEntries(namedPorts)).toEqual({ proxy: listen[0]?.port, admin: admin.listen?.port });
    const probes = ['startupProbe', 'readinessProbe', 'livenessProbe'].map((probe) =>
      at(container, probe, 'httpGet', 'port'),
    );
    const services = [objectOf('Service'), objectOf('Service', 'sallyport-admin')];
    const targets = services.map((service) => at(service, 'spec', 'ports', 0, 'targetPort'));
    const opened = list(at(objectOf('NetworkPolicy'), 'spec', 'ingress')).map((rule) => at(rule, 'ports', 0, 'port'));
    for (const name of [...probes, ...targets, ...opened]) expect([...namedPorts.keys()]).toContain(name);
    expect(at(services[0], 'spec', 'ports', 0, 'port')).toBe(listen[0]?.port);
  });

  test('every volume is mounted, every mount has a volume, and what it names is there', () => {
    const volumes = list(at(pod, 'volumes')).map((volume) => at(volume, 'name'));
    const mounted = [at(pod, 'initContainers', 0), container].flatMap((one) => list(at(one, 'volumeMounts')));
    expect([...new Set(mounted.map((mount) => at(mount, 'name')))].sort()).toEqual([...volumes].sort());
    const [config, secret] = list(at(pod, 'volumes'));
    expect(at(config, 'configMap', 'name')).toBe(at(objectOf('ConfigMap'), 'metadata', 'name'));
    const generated = at(objectOfKustomization(), 'secretGenerator', 0);
    expect(at(secret, 'secret', 'secretName')).toBe(at(generated, 'name'));
    const [script] = list(at(pod, 'initContainers', 0, 'args'));
    for (const key of list(at(generated, 'files'))) expect(script).toContain(`/run/secret/${key}`);
  });

  test('the proxy writes into volumes that it may write to, and into no other', async () => {
    const { admin, ca, rejections, log } = await podConfig();
    const mounts = list(at(container, 'volumeMounts'));
    const writable = mounts.filter((mount) => at(mount, 'readOnly') !== true).map((mount) => at(mount, 'mountPath'));
    expect(writable).toEqual(['/data']);
    for (const path of [admin.socket, rejections.state, rejections.audit]) expect(path).toMatch(/^\/data\//);
    expect(log.access.map(({ path }) => path)).toEqual(['stdout']);
    const authority = mounts.find((mount) => at(mount, 'name') === 'ca');
    expect(at(authority, 'readOnly')).toBe(true);
    for (const path of [ca.cert, ca.key]) expect(path.startsWith(`${String(at(authority, 'mountPath'))}/`)).toBe(true);
  });

  test('nothing runs as root, nor may become it, nor may write to its image', () => {
    expect(at(pod, 'securityContext')).toMatchObject({ runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001 });
    expect(readFileSync(join(ROOT, 'config/container/Containerfile'), 'utf8')).toContain('\nUSER 10001:10001\n');
    for (const one of [at(pod, 'initContainers', 0), container]) {
      expect(at(one, 'securityContext')).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    expect(at(pod, 'automountServiceAccountToken')).toBe(false);
  });

  test('a pod that stops has the time for it', () => {
    const [, pause] = list(at(container, 'lifecycle', 'preStop', 'exec', 'command'));
    const grace = Number(at(pod, 'terminationGracePeriodSeconds'));
    expect(grace * 1_000).toBeGreaterThan(Number(pause) * 1_000 + GRACE + 5_000);
  });

  test('the image has the version of the program', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const image = at(objectOfKustomization(), 'images', 0);
    expect(at(image, 'newTag')).toBe(at(manifest, 'version'));
    for (const one of [at(pod, 'initContainers', 0), container]) expect(at(one, 'image')).toBe(at(image, 'name'));
  });

  test('the image comes from a registry that is named, not from where everybody may put one', () => {
    const [host] = String(at(objectOfKustomization(), 'images', 0, 'newName')).split('/');
    expect(host).toMatch(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/);
    expect(host).not.toBe('docker.io');
  });

  test('the network policy opens what the address guard lets pass, and nothing else', () => {
    const blocks = list(at(objectOf('NetworkPolicy'), 'spec', 'egress', 1, 'to')).map((to) => ({
      cidr: rangeOf(at(to, 'ipBlock', 'cidr')),
      except: list(at(to, 'ipBlock', 'except')).map(rangeOf),
    }));
    const opens = (address: string): boolean =>
      blocks.some(({ cidr, except }) => cidr.has(address) && !except.some((range) => range.has(address)));
    const guard = new AddressGuard({ allowAddresses: [] });
    const edges = blocks.flatMap(({ cidr, except }) => [cidr, ...except]).flatMap((range) => range.edges);
    const asked = [...everywhere(), ...edges];
    expect(asked.length).toBeGreaterThan(19_000);
    const differing = asked.filter((address) => opens(address) !== guard.check(address, 443).ok);
    expect(differing).toEqual([]);
  });
});

/** One address of each small part of both families, and of the ranges that are smaller than those. */
function* everywhere(): Generator<string> {
  for (let at = 0; at < 65_536; at += 4) yield `${at >> 8}.${at & 255}.0.1`;
  for (let at = 0; at < 65_536; at += 32) yield `${at.toString(16)}::1`;
  for (let at = 0; at < 1_024; at += 1) yield `2001:${at.toString(16)}::1`;
  // By the registries of special addresses (RFC 6890), and the services of hosts.
  yield* ['192.0.0.1', '192.0.2.1', '192.31.196.1', '192.52.193.1', '192.88.99.1', '192.175.48.1', '198.51.100.1'];
  yield* ['203.0.113.1', '168.63.129.16', '100.100.100.200', '169.254.169.254', '198.19.0.1', '255.255.255.255'];
  yield* ['2001:4:112::1', '2620:4f:8000::1', '2001:db8:ffff::1', '3fff:fff::1', 'fd00:ec2::254', '::1', '64:ff9b::1'];
}

/** What a CIDR of a network policy holds, and the addresses at both sides of its two ends. */
function rangeOf(cidr: unknown): { has: (address: string) => boolean; edges: readonly string[] } {
  const [network = '', length = ''] = String(cidr).split('/');
  const isV6 = network.includes(':');
  const family = isV6 ? 'ipv6' : 'ipv4';
  const held = new BlockList();
  held.addSubnet(network, Number(length), family);
  const bits = isV6 ? 128 : 32;
  const parsed = parseAddress(network);
  if (!parsed) throw new Error(`${String(cidr)} is no range`);
  const last = parsed.value + (1n << BigInt(bits - Number(length))) - 1n;
  const inside = [parsed.value - 1n, parsed.value, last, last + 1n].filter(
    (one) => one >= 0n && one < 1n << BigInt(bits),
  );
  return {
    has: (address) => address.includes(':') === isV6 && held.check(address, family),
    edges: inside.map((value) => (isV6 ? textOfV6(value) : textOfV4(value))),
  };
}

const textOfV4 = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
const textOfV6 = (value: bigint): string =>
  value
    .toString(16)
    .padStart(32, '0')
    .replace(/(.{4})(?!$)/g, '$1:');
