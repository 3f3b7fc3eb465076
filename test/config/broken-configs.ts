// Broken configs, named by what is broken, with what load.test.ts expects to be told about each.

/** Lines of a rule list below `version: 1`, so that the first rule stands in line 4. */
export const rules = (...lines: string[]): string => ['version: 1', 'policy:', '  rules:', ...lines].join('\n');

/** What is broken, the text, and for each problem its first line and what stands at the caret. */
export const BROKEN: readonly [string, string, ...(readonly [string, string])[]][] = [
  ['no version', 'workers: 2', ['c.yaml:1:1  version  is missing: a config begins with "version: 1"', '']],
  ['a version to come', 'version: 2', ['c.yaml:1:10  version  expected 1, the one version there is, got 2', '']],
  ['a version in quotes', 'version: "1"', ['c.yaml:1:10  version  expected 1, the one version there is, got "1"', '']],
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
    ['c.yaml:4:3  ca.constructor  unknown key "constructor"', 'known here: cert, key, passphraseFile'],
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
    'a certificate without its key',
    'version: 1\nca:\n  cert: ca.pem',
    ['c.yaml:2:1  ca.key  is missing: cert and key go together', ''],
  ],
  [
    'a key without its certificate',
    'version: 1\nca: { key: ca.pem }',
    ['c.yaml:2:1  ca.cert  is missing: key and cert go together', ''],
  ],
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
    ['c.yaml:2:26  log.access.format  expected squid, common, combined or json, got "sqiud"', 'did you mean "squid"?'],
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
