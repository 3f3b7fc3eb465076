// Broken configs, named by what is broken, with what load.test.ts expects to be told about each.

/** Lines of a rule list below `version: 1`, so that the first rule stands in line 4. */
export const rules = (...lines: string[]): string => ['version: 1', 'policy:', '  rules:', ...lines].join('\n');

/** What is broken, the text, and for each problem its first line and what stands at the caret. */
export const BROKEN: readonly [string, string, ...(readonly [string, string])[]][] = [
  ['no version', 'workers: 2', ['c.yaml:1:1  version  is missing: a config begins with "version: 1"', '']],
  [
    'a redirect to no web address',
    rules('    - { name: a, action: deny, redirect: "ftp://x.test/" }'),
    [
      'c.yaml:4:42  policy.rules[0].redirect  expected a URL such as https://intranet.example.com/denied?url=%u, got "ftp://x.test/": it begins with http:// or https://',
      '',
    ],
  ],
  [
    'a redirect that whoever asks could choose',
    rules('    - { name: a, action: deny, redirect: "302:https://%H/x" }'),
    [
      'c.yaml:4:42  policy.rules[0].redirect  expected a URL such as https://intranet.example.com/denied?url=%u, got "302:https://%H/x": a macro cannot stand in its host',
      '',
    ],
  ],
  [
    'a redirect where nobody is denied',
    rules('    - { name: a, action: allow, redirect: "https://x.test/" }'),
    ['c.yaml:4:43  policy.rules[0].redirect  "redirect" has no effect on a rule that allows', 'leave it out'],
  ],
  [
    'an empty message',
    rules('    - { name: a, action: deny, message: "" }'),
    ['c.yaml:4:41  policy.rules[0].message  expected a text, got "": it is empty', ''],
  ],
  [
    'a message that is no text',
    rules('    - { name: a, action: deny, message: [no] }'),
    ['c.yaml:4:41  policy.rules[0].message  expected a text, got a list', ''],
  ],
  [
    'a message that a terminal would obey',
    rules('    - { name: a, action: deny, message: "\\e[2J" }'),
    [
      'c.yaml:4:41  policy.rules[0].message  expected a text, got "\\u001b[2J": it holds a character that cannot be seen',
      '',
    ],
  ],
  [
    'a message nobody would hear',
    rules('    - { name: a, action: deny, tls: terminate, message: "no" }'),
    [
      'c.yaml:4:57  policy.rules[0].message  "message" has no effect beside "tls: terminate", which closes the connection without a word',
      'leave it out',
    ],
  ],
  [
    'a misspelt message',
    rules('    - { name: a, action: deny, mesage: "no" }'),
    ['c.yaml:4:32  policy.rules[0].mesage  unknown key "mesage"', 'did you mean "message"?'],
  ],
  [
    'a contact that is no text',
    'version: 1\ncontact: { mail: x }',
    ['c.yaml:2:10  contact  expected a text, got keys and values', ''],
  ],
  ['pages that are nowhere', 'version: 1\npages: ""', ['c.yaml:2:8  pages  expected a path, got "": it is empty', '']],
  ['a version to come', 'version: 2', ['c.yaml:1:10  version  expected 1, the one version there is, got 2', '']],
  ['a version in quotes', 'version: "1"', ['c.yaml:1:10  version  expected 1, the one version there is, got "1"', '']],
  [
    'a variable that is written as no variable is',
    `version: 1\nca: { cert: ca.pem, key: "\${key" }`,
    [
      `c.yaml:2:26  ca.key  expected a path, got "\${key": a variable is written as \${NAME}, in capitals, or as \${NAME:-what else}`,
      '',
    ],
  ],
  [
    'a misspelt default',
    'version: 1\npolicy:\n  default: denny',
    ['c.yaml:3:12  policy.default  expected deny or allow, got "denny"', 'did you mean "deny"?'],
  ],
  [
    'a misspelt section',
    'version: 1\npolciy: {}',
    ['c.yaml:2:1  polciy  unknown key "polciy"', 'did you mean "policy"?'],
  ],
  [
    'a misspelt key of a rule',
    rules('    - name: a', '      acton: deny', '      action: deny'),
    ['c.yaml:5:7  policy.rules[0].acton  unknown key "acton"', 'did you mean "action"?'],
  ],
  [
    'a key in the wrong section',
    'version: 1\nconnectPorts: [443]',
    ['c.yaml:2:1  connectPorts  unknown key "connectPorts"', 'it belongs under policy'],
  ],
  [
    'a key that is spelt as in other programs',
    'version: 1\nlimits:\n  connect_timeout: 5s',
    ['c.yaml:3:3  limits.connect_timeout  unknown key "connect_timeout"', 'did you mean "connectTimeout"?'],
  ],
  [
    'prototype names',
    'version: 1\n__proto__: { version: 1 }\nca:\n  constructor: 1',
    ['c.yaml:2:1  __proto__  unknown key "__proto__"', ''],
    ['c.yaml:4:3  ca.constructor  unknown key "constructor"', 'known here: cert, key, passphraseFile, previous'],
  ],
  [
    'a port beyond the last',
    'version: 1\nlisten:\n  - { port: 65536 }',
    ['c.yaml:3:13  listen[0].port  expected a port from 0 to 65535, got 65536', ''],
  ],
  [
    'a listener without its dash',
    'version: 1\nlisten:\n  port: 3128',
    ['c.yaml:3:3  listen  expected a list of listeners, got keys and values', 'begin each item with "- "'],
  ],
  ['no listener', 'version: 1\nlisten: []', ['c.yaml:2:9  listen  the list of listeners is empty', '']],
  [
    'the same listener twice',
    'version: 1\nlisten:\n  - { port: 3128 }\n  - { address: 0.0.0.0 }',
    ['c.yaml:4:5  listen[1]  another listener has this address and port', ''],
  ],
  [
    'a listener by name',
    'version: 1\nlisten: [{ address: localhost }]',
    ['c.yaml:2:21  listen[0].address  expected an IP address, got "localhost": it is a name', ''],
  ],
  [
    'nobody to be trusted',
    'version: 1\nlisten:\n  - proxyProtocol: { from: [] }',
    ['c.yaml:3:28  listen[0].proxyProtocol.from  the list of addresses and ranges is empty', ''],
  ],
  [
    'a load balancer by name',
    'version: 1\nlisten:\n  - proxyProtocol: { from: [10.0.0.0/8, lb.example.com] }',
    [
      'c.yaml:3:41  listen[0].proxyProtocol.from[1]  "lb.example.com" is not an IP address, nor a range such as 10.20.0.0/16',
      '',
    ],
  ],
  [
    'a range with bits set beyond its prefix',
    'version: 1\nlisten:\n  - {}\n  - { port: 3129, proxyProtocol: { from: [10.0.0.1/8] } }',
    [
      'c.yaml:4:43  listen[1].proxyProtocol.from[0]  "10.0.0.1/8" has bits set beyond its prefix length',
      'write "10.0.0.0/8"',
    ],
  ],
  [
    'a PROXY header from anybody',
    'version: 1\nlisten: [{ proxyProtocol: true }]',
    ['c.yaml:2:27  listen[0].proxyProtocol  expected keys and values, got true', ''],
  ],
  [
    'a misspelt key of a PROXY header',
    'version: 1\nlisten: [{ proxyProtocol: { form: [10.0.0.0/8] } }]',
    ['c.yaml:2:12  listen[0].proxyProtocol.from  is missing: expected a list of addresses and ranges', ''],
    ['c.yaml:2:29  listen[0].proxyProtocol.form  unknown key "form"', 'did you mean "from"?'],
  ],
  [
    'a misspelt transparent listener',
    'version: 1\nlisten: [{ transparnet: true }]',
    ['c.yaml:2:12  listen[0].transparnet  unknown key "transparnet"', 'did you mean "transparent"?'],
  ],
  [
    'a transparent listener in words',
    'version: 1\nlisten: [{ transparent: yes }]',
    ['c.yaml:2:25  listen[0].transparent  expected true, or keys and values, got "yes"', ''],
  ],
  [
    'a port of origins that is none',
    'version: 1\nlisten: [{ transparent: { httpsPort: 0 } }]',
    ['c.yaml:2:38  listen[0].transparent.httpsPort  expected a port from 1 to 65535, got 0', ''],
  ],
  [
    'a misspelt port of origins',
    'version: 1\nlisten: [{ transparent: { httpPrt: 80 } }]',
    ['c.yaml:2:27  listen[0].transparent.httpPrt  unknown key "httpPrt"', 'did you mean "httpPort"?'],
  ],
  [
    'a certificate without its key',
    'version: 1\nca:\n  cert: ca.pem',
    ['c.yaml:2:1  ca.key  is missing: cert and key go together', ''],
  ],
  [
    'a key without its certificate',
    'version: 1\nca: { key: ca.pem }',
    ['c.yaml:2:1  ca.cert  is missing: key and cert go together', ''],
  ],
  ...parentMistakes(),
  ['no worker', 'version: 1\nworkers: 0', ['c.yaml:2:10  workers  expected a number from 1 to 256, got 0', '']],
  [
    'a wait without unit',
    'version: 1\nlimits:\n  bodyTimeout: 60',
    ['c.yaml:3:16  limits.bodyTimeout  expected a duration such as 10s, got 60', ''],
  ],
  [
    'a wait that would be none',
    'version: 1\nlimits:\n  bodyTimeout: 0ms',
    [
      'c.yaml:3:16  limits.bodyTimeout  expected a duration such as 10s, got "0ms": it is longer than 0 and at most 168h',
      '',
    ],
  ],
  [
    'Via of two words',
    'version: 1\nvia: my proxy',
    ['c.yaml:2:6  via  expected a name of one word, or off, got "my proxy"', ''],
  ],
  [
    'two logs in one file',
    'version: 1\nlog:\n  access:\n    - path: a.log\n    - path: ./b/../a.log',
    ['c.yaml:5:7  log.access[1]  another access log has this path', ''],
  ],
  [
    'a misspelt format',
    'version: 1\nlog: { access: { format: sqiud } }',
    [
      'c.yaml:2:26  log.access.format  expected squid, common, combined, referrer, useragent or json, got "sqiud"',
      'did you mean "squid"?',
    ],
  ],
  [
    'a misspelt level',
    'version: 1\nlog: { service: { level: warning } }',
    ['c.yaml:2:26  log.service.level  expected debug, info, warn, error or silent, got "warning"', ''],
  ],
  [
    'one name in two spellings',
    'version: 1\nresolver: { hosts: { a.test: 192.0.2.1, A.test: 192.0.2.2 } }',
    ['c.yaml:2:49  resolver.hosts["A.test"]  this name is set twice, in two spellings', ''],
  ],
  [
    'a host pattern without quotes',
    rules('    - name: a', '      hosts: [*.example.com]', '      action: allow'),
    [
      'c.yaml:5:15  policy.rules[0].hosts[0]  YAML reads *.example.com as an alias of an anchor that is not there',
      'put it in quotes: "*.example.com"',
    ],
  ],
  [
    'one host that is no list',
    rules('    - name: a', '      hosts: a.example', '      action: allow'),
    [
      'c.yaml:5:14  policy.rules[0].hosts  expected a list of host patterns, got "a.example"',
      'did you mean ["a.example"]?',
    ],
  ],
  [
    'rules that are all commented out',
    'version: 1\npolicy:\n  rules:\n  # - name: a\n',
    ['c.yaml:3:9  policy.rules  expected a list of rules, got nothing', 'remove the key, or indent what belongs to it'],
  ],
  [
    'an upgrade that is no list',
    'version: 1\npolicy:\n  upgrades: websocket',
    ['c.yaml:3:13  policy.upgrades  expected a list of protocols, got "websocket"', 'did you mean ["websocket"]?'],
  ],
  [
    'a rule without name and action',
    rules('    - hosts: [a.example]'),
    ['c.yaml:4:7  policy.rules[0].name  is missing: expected a name', ''],
    ['c.yaml:4:7  policy.rules[0].action  is missing: expected allow or deny', ''],
  ],
  [
    'a misspelt onReject',
    'version: 1\ntls:\n  onReject: sugest',
    ['c.yaml:3:13  tls.onReject  expected off, suggest or splice, got "sugest"', 'did you mean "suggest"?'],
  ],
  [
    'an onReject that YAML reads as false',
    'version: 1\ntls: { onReject: false }',
    ['c.yaml:2:18  tls.onReject  expected off, suggest or splice, got false', ''],
  ],
  [
    'a misspelt onClientCert',
    'version: 1\ntls: { onClientCert: splise }',
    ['c.yaml:2:22  tls.onClientCert  expected refuse or splice, got "splise"', 'did you mean "splice"?'],
  ],
  [
    'a state of exceptions that is no path',
    'version: 1\ntls: { exceptions: true }',
    ['c.yaml:2:20  tls.exceptions  expected a path, got true', ''],
  ],
  [
    'an audit log without a path',
    'version: 1\nlog: { audit: { path: "" } }',
    ['c.yaml:2:23  log.audit.path  expected a path, got "": it is empty', ''],
  ],
  [
    'an onClientCert on a rule that must see the requests',
    rules('    - name: a', '      urls: ["https://a.example/**"]', '      action: allow', '      onClientCert: splice'),
    [
      'c.yaml:7:21  policy.rules[0].onClientCert  a rule with "urls" must see the requests, so what it allows is never spliced',
      'replace "urls" by "hosts"',
    ],
  ],
  [
    'an onClientCert on a rule that denies',
    rules('    - { name: a, hosts: [a.example], action: deny, onClientCert: splice }'),
    [
      'c.yaml:4:66  policy.rules[0].onClientCert  "onClientCert: splice" has no effect on a rule that denies',
      'leave it out',
    ],
  ],
  [
    'an onClientCert beside a splice',
    rules('    - { name: a, hosts: [a.example], action: allow, tls: splice, onClientCert: refuse }'),
    [
      'c.yaml:4:80  policy.rules[0].onClientCert  "onClientCert: refuse" has no effect beside "tls: splice", which does not decrypt',
      'leave it out',
    ],
  ],
  [
    'a client certificate without its key',
    'version: 1\nupstream: { clientCertificates: [{ hosts: [a.example], cert: a.pem }] }',
    ['c.yaml:2:34  upstream.clientCertificates[0].key  is missing: expected a path', ''],
  ],
  [
    'a client certificate for every host',
    'version: 1\nupstream: { clientCertificates: [{ hosts: ["*"], cert: a.pem, key: b.pem }] }',
    [
      'c.yaml:2:44  upstream.clientCertificates[0].hosts[0]  a client certificate is for named hosts: to all others it would say who we are',
      'name the hosts that want it',
    ],
  ],
  [
    'a client certificate for a URL and for a client by name',
    'version: 1\nupstream: { clientCertificates: [{ hosts: ["https://a.example"], clients: [me], cert: a, key: b }] }',
    [
      'c.yaml:2:44  upstream.clientCertificates[0].hosts[0]  host pattern "https://a.example" has a scheme',
      'write "a.example", or move it to urls',
    ],
    [
      'c.yaml:2:76  upstream.clientCertificates[0].clients[0]  "me" is not an IP address, nor a range such as 10.20.0.0/16',
      '',
    ],
  ],
  [
    'a rule for users where nobody can be known',
    rules('    - name: a', '      hosts: [a.example]', '      users: [alice]', '      action: allow'),
    [
      'c.yaml:6:7  policy.rules[0].users  rule "a" is for known users, and nobody can be known without "auth"',
      'add "auth" with basic, tokens or clientCertificates',
    ],
  ],
  [
    'a rule for anybody who is known, likewise',
    rules('    - name: a', '      authenticated: true', '      action: allow'),
    [
      'c.yaml:5:7  policy.rules[0].authenticated  rule "a" is for known users, and nobody can be known without "auth"',
      'add "auth" with basic, tokens or clientCertificates',
    ],
  ],
  [
    'a rule for who is not known',
    `auth: { tokens: t }\n${rules('    - name: a', '      authenticated: false', '      action: allow')}`,
    ['c.yaml:6:22  policy.rules[0].authenticated  expected true, or no such key, got false', ''],
  ],
  [
    'a misspelt group',
    `auth: { tokens: t, groups: { ops: [alice] } }\n${rules('    - name: a', '      groups: [opz]', '      action: allow')}`,
    ['c.yaml:6:16  policy.rules[0].groups[0]  there is no group "opz" in auth.groups', 'did you mean "ops"?'],
  ],
  [
    'a rule for nobody',
    `auth: { tokens: t }\n${rules('    - name: a', '      users: []', '      action: allow')}`,
    [
      'c.yaml:6:14  policy.rules[0].users  the list "users" is empty, so the rule can never match',
      'write "authenticated: true" for anybody who is known',
    ],
  ],
  [
    'one user that is no list',
    `auth: { tokens: t }\n${rules('    - name: a', '      users: alice', '      action: allow')}`,
    ['c.yaml:6:14  policy.rules[0].users  expected a list of user names, got "alice"', 'did you mean ["alice"]?'],
  ],
  [
    'a way to be known that is none',
    'version: 1\nauth: { groups: { ops: [alice] } }',
    ['c.yaml:2:7  auth  nobody can be known: expected one or more of basic, tokens and clientCertificates', ''],
  ],
  [
    'passwords without their file',
    'version: 1\nauth: { basic: { realm: Here } }',
    ['c.yaml:2:9  auth.basic.htpasswd  is missing: expected a path', ''],
  ],
  [
    'a realm of two lines',
    'version: 1\nauth: { basic: { htpasswd: u, realm: "a\\nb" } }',
    ['c.yaml:2:38  auth.basic.realm  expected a realm of 1 to 100 printable ASCII characters, got "a\\nb"', ''],
  ],
  [
    'a group of one user that is no list',
    'version: 1\nauth: { tokens: t, groups: { ops: alice } }',
    ['c.yaml:2:35  auth.groups.ops  expected a list of user names, got "alice"', 'did you mean ["alice"]?'],
  ],
  [
    'a user without a name',
    'version: 1\nauth: { tokens: t, groups: { ops: [alice, ""] } }',
    ['c.yaml:2:43  auth.groups.ops[1]  a user name is expected, and it is empty', ''],
  ],
  [
    'a group file that is no path',
    'version: 1\nauth: { tokens: t, groupFile: [g] }',
    ['c.yaml:2:31  auth.groupFile  expected a path, got a list', ''],
  ],
  [
    'a misspelt way to be known',
    'version: 1\nauth: { token: t.txt }',
    ['c.yaml:2:9  auth.token  unknown key "token"', 'did you mean "tokens"?'],
  ],
  [
    'certificates of clients that lead nowhere',
    'version: 1\nauth: { clientCertificates: { mode: request } }',
    ['c.yaml:2:9  auth.clientCertificates.trust  is missing: expected a PEM file or a list of them', ''],
  ],
  [
    'certificates of clients, asked for in another word',
    'version: 1\nauth: { clientCertificates: { trust: c.pem, mode: required, user: dn, crl: x } }',
    [
      'c.yaml:2:51  auth.clientCertificates.mode  expected request or require, got "required"',
      'did you mean "require"?',
    ],
    ['c.yaml:2:67  auth.clientCertificates.user  expected cn or san, got "dn"', 'did you mean "cn"?'],
    ['c.yaml:2:76  auth.clientCertificates.crl  expected a list of revocation lists, got "x"', 'did you mean ["x"]?'],
  ],
  [
    'a share of passwords that is none',
    'version: 1\nlimits: { passwordsPerClient: 0 }',
    ['c.yaml:2:31  limits.passwordsPerClient  expected a number from 1 to 1000000, got 0', ''],
  ],
  [
    'a yes that is no true',
    'version: 1\ntls: { http2: yes }',
    ['c.yaml:2:15  tls.http2  expected true or false, got "yes"', ''],
  ],
  [
    'a misspelt key beside it',
    'version: 1\ntls: { htpp2: false }',
    ['c.yaml:2:8  tls.htpp2  unknown key "htpp2"', 'did you mean "http2"?'],
  ],
  [
    'a section twice',
    'version: 1\ntls: {}\nvia: a\ntls: {}',
    ['c.yaml:4:1  tls  this key is set twice, first in line 2', 'keep one of them'],
  ],
  [
    'a tab',
    'version: 1\npolicy:\n\tmode: report',
    ['c.yaml:3:1  tabs are not allowed as indentation', 'indent with spaces'],
  ],
  ['an open quote', 'version: 1\nvia: "me', ['c.yaml:2:9  the closing quote is missing', '']],
  ['a list', '- version: 1', ['c.yaml:1:1  expected keys and values, got a list', '']],
];

/** A mistake in one line of a parent or a route; `hq` is the name of the parent. */
function parentMistakes(): [string, string, readonly [string, string]][] {
  const HQ = '{ name: hq, url: "http://hq.test:3128" }';
  const text = (...lines: string[]): string => ['version: 1', 'upstream:', ...lines].join('\n');
  const parent = (inside: string): string => text('  parents:', `    - { ${inside} }`);
  const route = (inside: string, ...more: string[]): string =>
    text(`  parents: [${HQ}]`, '  routes:', `    - { ${inside} }`, ...more);
  const url = 'expected the URL of a proxy, such as http://proxy.example.com:3128';
  return [
    [
      'a parent without a name',
      parent('url: "http://hq.test:3128"'),
      ['c.yaml:4:7  upstream.parents[0].name  is missing: expected a name of letters, digits, dots and hyphens', ''],
    ],
    [
      'a parent of two words',
      parent('name: a b, url: "http://hq.test:3128"'),
      [
        'c.yaml:4:15  upstream.parents[0].name  expected a name of letters, digits, dots and hyphens, got "a b": it is one word of at most 32 characters',
        '',
      ],
    ],
    ['a parent without a url', parent('name: hq'), [`c.yaml:4:7  upstream.parents[0].url  is missing: ${url}`, '']],
    [
      'a parent by another protocol',
      parent('name: hq, url: "socks5://hq.test:1080"'),
      [`c.yaml:4:24  upstream.parents[0].url  ${url}, got "socks5://hq.test:1080"`, ''],
    ],
    [
      'a parent without a port',
      parent('name: hq, url: "http://hq.test"'),
      [`c.yaml:4:24  upstream.parents[0].url  ${url}, got "http://hq.test": port is missing`, ''],
    ],
    [
      'a parent with a path',
      parent('name: hq, url: "http://hq.test:3128/proxy"'),
      [`c.yaml:4:24  upstream.parents[0].url  ${url}, got "http://hq.test:3128/proxy"`, ''],
    ],
    [
      'credentials in the url of a parent',
      parent('name: hq, url: "http://me:hunter2@hq.test:3128"'),
      [
        'c.yaml:4:24  upstream.parents[0].url  a URL here has no user and password: write "user" and "passwordFile" beside it',
        '',
      ],
    ],
    [
      'a parent that is a url',
      text('  parents: ["http://me:hunter2@hq.test:3128"]'),
      ['c.yaml:3:13  upstream.parents[0]  expected keys and values, got "http://**********@hq.test:3128"', ''],
    ],
    [
      'a password that is a number',
      parent('name: hq, url: "http://hq.test:3128", user: me, password: 12345'),
      ['c.yaml:4:67  upstream.parents[0].password  expected text in quotes', ''],
    ],
    [
      'a password without its user',
      parent('name: hq, url: "http://hq.test:3128", password: hunter2'),
      ['c.yaml:4:7  upstream.parents[0].user  is missing: a password goes with a user', ''],
    ],
    [
      'a user without a password',
      parent('name: hq, url: "http://hq.test:3128", user: me'),
      ['c.yaml:4:7  upstream.parents[0].passwordFile  is missing: a user goes with a password', ''],
    ],
    [
      'a user with a colon',
      parent('name: hq, url: "http://hq.test:3128", user: "a:b", password: hunter2'),
      [
        'c.yaml:4:53  upstream.parents[0].user  expected a user name, got "a:b": it is empty, or holds a colon or a control character',
        '',
      ],
    ],
    [
      'two passwords',
      parent('name: hq, url: "http://hq.test:3128", user: me, passwordFile: f, password: hunter2'),
      ['c.yaml:4:84  upstream.parents[0].password  there is a passwordFile too: leave one of them out', ''],
    ],
    [
      'trust in a parent without TLS',
      parent('name: hq, url: "http://hq.test:3128", trust: [a.pem]'),
      [
        'c.yaml:4:54  upstream.parents[0].trust  is for a parent with an https:// url: over http:// nothing is verified',
        '',
      ],
    ],
    [
      'a parent with no time',
      parent('name: hq, url: "http://hq.test:3128", timeout: 0s'),
      [
        'c.yaml:4:56  upstream.parents[0].timeout  expected a duration such as 10s, got "0s": it is longer than 0 and at most 168h',
        '',
      ],
    ],
    [
      'a misspelt key of a parent',
      parent('name: hq, url: "http://hq.test:3128", pasword: hunter2'),
      ['c.yaml:4:47  upstream.parents[0].pasword  unknown key "pasword"', 'did you mean "password"?'],
    ],
    [
      'two parents of one name',
      text(`  parents: [${HQ}, ${HQ}]`),
      ['c.yaml:3:63  upstream.parents[1].name  another parent is called "hq" already', 'give each parent its own name'],
    ],
    [
      'a parent called direct',
      parent('name: direct, url: "http://hq.test:3128"'),
      ['c.yaml:4:15  upstream.parents[0].name  "direct" is the word for no parent', 'give it another name'],
    ],
    [
      'a route to nobody',
      route('via: [hg]'),
      ['c.yaml:5:15  upstream.routes[0].via[0]  no parent is called "hg"', 'did you mean "hq"?'],
    ],
    [
      'a route without a way',
      route('via: []'),
      ['c.yaml:5:14  upstream.routes[0].via  the list of parents is empty', ''],
    ],
    [
      'a route that does not say where',
      route('hosts: [a.test]'),
      ['c.yaml:5:7  upstream.routes[0].via  is missing: expected a list of parents', ''],
    ],
    [
      'a route that names a parent twice',
      route('via: [hq, hq]'),
      ['c.yaml:5:19  upstream.routes[0].via[1]  "hq" stands here twice', ''],
    ],
    [
      'a parent behind direct',
      route('via: [direct, hq]'),
      ['c.yaml:5:15  upstream.routes[0].via[0]  what stands behind "direct" is never asked', 'put it last'],
    ],
    [
      'a route with a broken pattern',
      route('hosts: ["*example.com"], via: [hq]'),
      [
        'c.yaml:5:17  upstream.routes[0].hosts[0]  host pattern "*example.com" would also match evilexample.com',
        'write ".example.com"',
      ],
    ],
    [
      'a route behind one that takes all',
      route('via: [hq]', '    - { hosts: [a.test], via: [direct] }'),
      [
        'c.yaml:6:7  upstream.routes[1]  route 1 takes every host, so this one is never asked',
        'put it before that one',
      ],
    ],
    [
      'a route with a way of choosing that there is not',
      route('via: [hq], choose: random'),
      ['c.yaml:5:28  upstream.routes[0].choose  expected inOrder or roundRobin, got "random"', ''],
    ],
  ];
}
