// The names of all directives of Squid that the import has a word for. recognise.ts and import-squid.ts look names up here.

import { REMARKED } from './not-needed.ts';
import { SETTINGS } from './settings.ts';
import { UPSTREAM_TLS } from './upstream-tls.ts';

/** Those that have a translator of their own in import-squid.ts. */
const READ_BY_NAME = [
  'acl',
  'http_access',
  'sslproxy_cert_error',
  'adapted_http_access',
  'miss_access',
  'follow_x_forwarded_for',
  'acl_uses_indirect_client',
  'cachemgr_passwd',
  'ssl_bump',
  'http_port',
  'https_port',
  'proxy_protocol_access',
  'auth_param',
  'cache_peer',
  'logformat',
  'access_log',
  'emulate_httpd_log',
  'cache_access_log',
  'pid_filename',
  'deny_info',
  'error_directory',
  'logfile_rotate',
];

/** What takes care of itself, and what is remarked upon by not-needed.ts. */
export const TRANSLATED: ReadonlySet<string> = new Set([...READ_BY_NAME, ...UPSTREAM_TLS, ...Object.keys(SETTINGS)]);

export const KNOWN_DIRECTIVES: ReadonlySet<string> = new Set([...TRANSLATED, ...REMARKED, 'include', 'if']);
