// What the policy answers, as tables: rules, a question, and the decision in one line as policy.test.ts prints it.

import type { RuleOptions } from '../../src/policy/policy.ts';

export const packages: RuleOptions = {
  name: 'packages',
  hosts: ['packages.example.org', '.ubuntu.com'],
  action: 'allow',
  tls: 'splice',
};
export const api: RuleOptions = {
  name: 'api',
  clients: ['10.20.0.0/16'],
  urls: ['https://api.example.com/v2/**'],
  methods: ['GET', 'POST'],
  action: 'allow',
};
export const sites: RuleOptions = { name: 'sites', hosts: ['.example.com'], action: 'allow' };
export const noPost: RuleOptions = { name: 'no-post', methods: ['POST'], action: 'deny' };
const noAdmin: RuleOptions = { name: 'no-admin', urls: ['https://a.example.com/admin/**'], action: 'deny' };

export const connectCases: [name: string, rules: RuleOptions[], to: string, expected: string][] = [
  ['no rules: the default denies', [], 'a.test', 'deny by connect | default | no rule matches a.test:443'],
  [
    'a host rule allows',
    [packages],
    'archive.ubuntu.com',
    'splice | packages | rule "packages" allows requests to archive.ubuntu.com:443',
  ],
  [
    'no suffix slips through',
    [packages],
    'evilubuntu.com',
    'deny by connect | default | no rule matches evilubuntu.com:443',
  ],
  [
    'a port that is not for CONNECT is denied before any rule',
    [{ name: 'all', action: 'allow' }],
    'a.test:22',
    'deny by connect | connectPorts | port 22 is not in connectPorts (443)',
  ],
  [
    'the first match wins: deny over allow',
    [{ name: 'no', hosts: ['a.example.com'], action: 'deny', refuse: 'page' }, sites],
    'a.example.com',
    'deny by page | no | rule "no" denies requests to a.example.com:443',
  ],
  [
    'the first match wins: allow over deny',
    [sites, { name: 'no', action: 'deny' }],
    'a.example.com',
    'bump | sites | rule "sites" allows requests to a.example.com:443',
  ],
  [
    'a URL rule leaves it to the requests',
    [api],
    'api.example.com',
    'bump deferred | api | rule "api" may allow requests to api.example.com:443: each one is decided on its own',
  ],
  [
    'a URL rule of another host has no say',
    [api],
    'b.example.com',
    'deny by connect | default | no rule matches b.example.com:443',
  ],
  [
    'a URL rule of http only has no say, and it is told why',
    [{ name: 'plain', urls: ['http://a.test'], action: 'allow' }],
    'a.test',
    'deny by connect | default | no rule matches a.test:443; rule "plain" allows it under another scheme',
  ],
  [
    'possible denials before a definite denial agree with it',
    [noPost, noAdmin, { name: 'no', hosts: ['a.example.com'], action: 'deny' }],
    'a.example.com',
    'deny by connect | no | rule "no" denies requests to a.example.com:443',
  ],
  [
    'possible denials before the default denial agree with it',
    [noPost],
    'a.test',
    'deny by connect | default | no rule matches a.test:443',
  ],
  [
    'a possible denial before a definite allowance is decided on each request',
    [noPost, sites],
    'a.example.com',
    'bump deferred | sites | rule "sites" may allow requests to a.example.com:443: each one is decided on its own',
  ],
  [
    'a splice after a possible denial would be a way around it, so it is bumped',
    [noPost, packages],
    'packages.example.org',
    'bump deferred | packages | rule "packages" may allow requests to packages.example.org:443: each one is decided on its own',
  ],
  [
    'the first possible rule that allows gives its name',
    [noPost, { ...sites, name: 'get', methods: ['GET'] }, { ...sites, name: 'put', methods: ['PUT'] }],
    'a.example.com',
    'bump deferred | get | rule "get" may allow requests to a.example.com:443: each one is decided on its own',
  ],
  [
    'a definite match ends the search for possible ones',
    [packages, { ...noPost, hosts: ['.ubuntu.com', 'x.test'] }],
    'ubuntu.com',
    'splice | packages | rule "packages" allows requests to ubuntu.com:443',
  ],
  [
    'allow with terminate is a permit to close',
    [{ ...sites, tls: 'terminate' }],
    'a.example.com',
    'terminate | sites | rule "sites" terminates TLS to a.example.com:443',
  ],
  [
    'possible denials before a termination change nothing about it',
    [noPost, { ...sites, tls: 'terminate' }],
    'a.example.com',
    'terminate | sites | rule "sites" terminates TLS to a.example.com:443',
  ],
  [
    'a possible allowance before a termination is decided on each request',
    [
      { ...sites, name: 'get', methods: ['GET'] },
      { ...sites, tls: 'terminate' },
    ],
    'a.example.com',
    'bump deferred | get | rule "get" may allow requests to a.example.com:443: each one is decided on its own',
  ],
  [
    'deny with terminate is closed without a word',
    [{ ...sites, action: 'deny', tls: 'terminate' }],
    'a.example.com',
    'deny by close | sites | rule "sites" denies requests to a.example.com:443',
  ],
  [
    'what is not TLS may go through where a rule says so',
    [{ ...sites, tls: 'tunnel' }],
    'a.example.com',
    'tunnel | sites | rule "sites" allows requests to a.example.com:443',
  ],
  [
    'a rule for other clients is passed over and named',
    [{ ...sites, clients: ['192.0.2.0/24'] }],
    'a.example.com',
    'deny by connect | default | no rule matches a.example.com:443; rule "sites" allows it to other clients',
  ],
  [
    'an address is matched where it is listed',
    [{ name: 'box', hosts: ['192.0.2.7', '[2001:db8::1]'], action: 'allow' }],
    '[2001:DB8::1]',
    'bump | box | rule "box" allows requests to [2001:db8::1]:443',
  ],
  [
    'an address is not matched by a name',
    [sites],
    '192.0.2.7',
    'deny by connect | default | no rule matches 192.0.2.7:443',
  ],
  [
    'an A-label is matched by the name in Unicode',
    [{ name: 'idn', hosts: ['.bücher.example'], action: 'allow' }],
    'www.xn--bcher-kva.example',
    'bump | idn | rule "idn" allows requests to www.xn--bcher-kva.example:443',
  ],
];

export const requestCases: [name: string, rules: RuleOptions[], method: string, url: string, expected: string][] = [
  [
    'a URL rule allows',
    [api],
    'GET',
    'https://api.example.com/v2/users?x=../../admin',
    'bump | api | rule "api" allows requests to api.example.com:443',
  ],
  [
    'another path is denied, and the rule that was meant is named',
    [api],
    'GET',
    'https://api.example.com/v1/users',
    'deny by connect | default | no rule matches api.example.com:443; rule "api" allows other paths of this host',
  ],
  [
    'another method is denied, and the rule that was meant is named',
    [api],
    'DELETE',
    'https://api.example.com/v2/users',
    'deny by connect | default | no rule matches api.example.com:443; rule "api" allows it with other methods',
  ],
  [
    'the path is matched in its normal form: dots cannot leave it',
    [api],
    'GET',
    'https://api.example.com/v2/../admin',
    'deny by connect | default | no rule matches api.example.com:443; rule "api" allows other paths of this host',
  ],
  [
    'the path is matched in its normal form: encoded letters are letters',
    [api],
    'GET',
    'https://API.example.com/%762/x',
    'bump | api | rule "api" allows requests to api.example.com:443',
  ],
  [
    'a possible denial denies what it is about',
    [noAdmin, sites],
    'GET',
    'https://a.example.com/admin/x',
    'deny by connect | no-admin | rule "no-admin" denies requests to a.example.com:443',
  ],
  [
    'a possible denial leaves the rest to the rules below',
    [noAdmin, sites],
    'GET',
    'https://a.example.com/x',
    'bump | sites | rule "sites" allows requests to a.example.com:443',
  ],
  [
    'a splice rule allows the request in a tunnel that was bumped for another rule',
    [noPost, packages],
    'GET',
    'https://packages.example.org/x',
    'bump | packages | rule "packages" allows requests to packages.example.org:443',
  ],
  [
    'a termination holds inside a tunnel that was bumped for another rule',
    [
      { ...sites, name: 'get', methods: ['GET'] },
      { ...sites, tls: 'terminate' },
    ],
    'POST',
    'https://a.example.com/x',
    'deny by close | sites | rule "sites" terminates TLS to a.example.com:443',
  ],
  [
    'a termination has no say on plain HTTP',
    [{ ...sites, tls: 'terminate' }],
    'GET',
    'http://a.example.com/x',
    'bump | sites | rule "sites" terminates TLS to a.example.com:80',
  ],
  [
    'plain HTTP goes by httpPorts',
    [sites],
    'GET',
    'http://a.example.com:81/',
    'deny by connect | httpPorts | port 81 is not in httpPorts (80, 443, 1025-65535)',
  ],
  [
    'https goes by connectPorts',
    [sites],
    'GET',
    'https://a.example.com:8443/',
    'deny by connect | connectPorts | port 8443 is not in connectPorts (443)',
  ],
  [
    'a port of the rule is a port of the destination',
    [{ ...sites, ports: [8080] }],
    'GET',
    'http://a.example.com:8080/',
    'bump | sites | rule "sites" allows requests to a.example.com:8080',
  ],
  [
    'another port misses',
    [{ ...sites, ports: [8080] }],
    'GET',
    'http://a.example.com/',
    'deny by connect | default | no rule matches a.example.com:80; rule "sites" allows other ports of this host',
  ],
  [
    'of two URLs of one rule and host, either will do',
    [{ name: 'two', urls: ['https://a.test/x', 'https://a.test/y'], action: 'allow' }],
    'GET',
    'https://a.test/y',
    'bump | two | rule "two" allows requests to a.test:443',
  ],
  [
    'a URL of every host',
    [{ name: 'health', urls: ['*://*/health'], action: 'allow' }],
    'GET',
    'http://192.0.2.7/health',
    'bump | health | rule "health" allows requests to 192.0.2.7:80',
  ],
];
