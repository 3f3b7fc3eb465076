// What the objects of a manifest may hold, by the API reference of Kubernetes 1.31 and of the Prometheus operator, as far as our
// manifests use it; strict, so that a slip is an error here where the server would drop it, or take something else for it.

import * as z from 'zod';

/** RFC 1123: a label of a name. */
const name = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const labelValue = z.string().regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/);
const labelKey = z.string().regex(/^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
const labels = z.record(labelKey, labelValue);
const port = z.int().min(1).max(65_535);
/** IANA_SVC_NAME: at most 15 characters, with a letter. */
const portName = z.string().regex(/^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/);
const portOrName = z.union([port, portName]);
const protocol = z.enum(['TCP', 'UDP', 'SCTP']);
const quantity = z.string().regex(/^\d+(?:\.\d+)?(?:m|[kMGTPE]|[KMGTPE]i)?$/);
const absolute = z.string().regex(/^\/[^:]*$/);
const seconds = z.int().min(0);
const cidr = z.union([z.cidrv4(), z.cidrv6()]);

const metadata = z.strictObject({ name, labels: labels.optional() });
const selector = z.strictObject({ matchLabels: labels });
const object = <V extends string, K extends string, S extends z.ZodRawShape>(apiVersion: V, kind: K, rest: S) =>
  z.strictObject({ apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata, ...rest });

const resources = z.strictObject({
  requests: z.strictObject({ cpu: quantity, memory: quantity }),
  limits: z.strictObject({ memory: quantity }),
});

const containerSecurity = z.strictObject({
  allowPrivilegeEscalation: z.boolean(),
  readOnlyRootFilesystem: z.boolean(),
  capabilities: z.strictObject({ drop: z.array(z.string().regex(/^[A-Z_]+$/)) }),
});

const probe = z.strictObject({
  httpGet: z.strictObject({ path: absolute, port: portOrName }),
  periodSeconds: z.int().min(1),
  failureThreshold: z.int().min(1),
});

const mount = z.strictObject({
  name,
  mountPath: absolute,
  subPath: z
    .string()
    .regex(/^[^/.][^:]*$/)
    .optional(),
  readOnly: z.boolean().optional(),
});

const container = z.strictObject({
  name,
  image: z.string().min(1),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  ports: z.array(z.strictObject({ name: portName, containerPort: port, protocol })).optional(),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  lifecycle: z
    .strictObject({ preStop: z.strictObject({ exec: z.strictObject({ command: z.array(z.string()).min(1) }) }) })
    .optional(),
  volumeMounts: z.array(mount),
  securityContext: containerSecurity,
  resources,
});

const volume = z.union([
  z.strictObject({ name, configMap: z.strictObject({ name }) }),
  z.strictObject({ name, secret: z.strictObject({ secretName: name, defaultMode: z.int().min(0).max(0o777) }) }),
  z.strictObject({
    name,
    emptyDir: z.strictObject({ medium: z.enum(['', 'Memory']).optional(), sizeLimit: quantity }),
  }),
]);

const podSpec = z.strictObject({
  automountServiceAccountToken: z.boolean(),
  enableServiceLinks: z.boolean(),
  terminationGracePeriodSeconds: seconds,
  securityContext: z.strictObject({
    runAsNonRoot: z.boolean(),
    runAsUser: z.int().min(1),
    runAsGroup: z.int().min(1),
    fsGroup: z.int().min(1),
    seccompProfile: z.strictObject({ type: z.enum(['RuntimeDefault', 'Localhost', 'Unconfined']) }),
  }),
  topologySpreadConstraints: z.array(
    z.strictObject({
      maxSkew: z.int().min(1),
      topologyKey: labelKey,
      whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
      labelSelector: selector,
    }),
  ),
  initContainers: z.array(container),
  containers: z.array(container).min(1),
  volumes: z.array(volume),
});

const count = z.union([z.int().min(0), z.string().regex(/^\d{1,3}%$/)]);

const peer = z.union([
  z.strictObject({ namespaceSelector: selector, podSelector: selector.optional() }),
  z.strictObject({ ipBlock: z.strictObject({ cidr, except: z.array(cidr) }) }),
]);
const openPorts = z.array(z.strictObject({ port: portOrName, protocol }));

const scalingPolicies = z.strictObject({
  stabilizationWindowSeconds: z.int().min(0).max(3_600),
  policies: z.array(
    z.strictObject({
      type: z.enum(['Pods', 'Percent']),
      value: z.int().min(1),
      periodSeconds: z.int().min(1).max(1_800),
    }),
  ),
});

export const OBJECT_SCHEMAS: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['Namespace', object('v1', 'Namespace', {})],
  ['ConfigMap', object('v1', 'ConfigMap', { data: z.record(z.string().regex(/^[A-Za-z0-9._-]+$/), z.string()) })],
  [
    'Deployment',
    object('apps/v1', 'Deployment', {
      spec: z.strictObject({
        selector,
        strategy: z.strictObject({
          type: z.literal('RollingUpdate'),
          rollingUpdate: z.strictObject({ maxUnavailable: count, maxSurge: count }),
        }),
        template: z.strictObject({ metadata: z.strictObject({ labels }), spec: podSpec }),
      }),
    }),
  ],
  [
    'Service',
    object('v1', 'Service', {
      spec: z.strictObject({
        clusterIP: z.literal('None').optional(),
        selector: labels,
        ports: z.array(z.strictObject({ name: portName, port, targetPort: portOrName, protocol })).min(1),
      }),
    }),
  ],
  [
    'PodDisruptionBudget',
    object('policy/v1', 'PodDisruptionBudget', { spec: z.strictObject({ maxUnavailable: count, selector }) }),
  ],
  [
    'HorizontalPodAutoscaler',
    object('autoscaling/v2', 'HorizontalPodAutoscaler', {
      spec: z
        .strictObject({
          scaleTargetRef: z.strictObject({ apiVersion: z.string(), kind: z.string(), name }),
          minReplicas: z.int().min(1),
          maxReplicas: z.int().min(1),
          metrics: z.array(
            z.strictObject({
              type: z.literal('Resource'),
              resource: z.strictObject({
                name: z.enum(['cpu', 'memory']),
                target: z.strictObject({ type: z.literal('Utilization'), averageUtilization: z.int().min(1) }),
              }),
            }),
          ),
          behavior: z.strictObject({ scaleUp: scalingPolicies.optional(), scaleDown: scalingPolicies.optional() }),
        })
        .refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas),
    }),
  ],
  [
    'NetworkPolicy',
    object('networking.k8s.io/v1', 'NetworkPolicy', {
      spec: z.strictObject({
        podSelector: selector,
        policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
        ingress: z.array(z.strictObject({ from: z.array(peer), ports: openPorts })),
        egress: z.array(z.strictObject({ to: z.array(peer), ports: openPorts })),
      }),
    }),
  ],
  [
    'ServiceMonitor',
    object('monitoring.coreos.com/v1', 'ServiceMonitor', {
      spec: z.strictObject({
        selector,
        endpoints: z.array(
          z.strictObject({ port: portName, path: absolute, interval: z.string().regex(/^\d+(?:ms|s|m|h)$/) }),
        ),
      }),
    }),
  ],
  [
    'Kustomization',
    z.strictObject({
      apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
      kind: z.literal('Kustomization'),
      namespace: name,
      resources: z.array(z.string().regex(/^[a-z-]+\.yaml$/)),
      secretGenerator: z.array(z.strictObject({ name, files: z.array(z.string()) })),
      images: z.array(z.strictObject({ name, newName: z.string(), newTag: z.string() })),
      labels: z.array(z.strictObject({ pairs: labels })),
    }),
  ],
]);
