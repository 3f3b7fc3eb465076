// `auth_param`: how Squid came to know who asks. A password file is taken over; the other helpers have no counterpart.

import type { Directive } from './read-conf.ts';
import { type Desk, texts } from './translator.ts';

/** Whether rules may ask for users. */
export function readIdentity(lines: readonly Directive[], desk: Desk): boolean {
  const realm = lines.find((line) => texts(line)[0] === 'basic' && texts(line)[1] === 'realm');
  let known = false;
  for (const line of lines) {
    const [scheme = '', parameter = '', program = '', ...words] = texts(line);
    if (parameter !== 'program') {
      if (line !== realm)
        desk.notes.tell(line, 'not-needed', 'what is asked for a password here has its own pace and memory', '');
      continue;
    }
    const file = words.findLast((word) => !word.startsWith('-'));
    if (scheme === 'basic' && /(?:^|\/)(?:basic_)?ncsa_auth$/.test(program) && file !== undefined) {
      const name = realm ? texts(realm).slice(2).join(' ').slice(0, 100) : '';
      const htpasswd = desk.absolute(file);
      const lineOfRealm = realm ? [realm] : [];
      desk.draft.set('auth', 'basic', name === '' ? { htpasswd } : { htpasswd, realm: name }, [line, ...lineOfRealm]);
      known = true;
      desk.notes.tell(
        line,
        'differs',
        'passwords that are hashed by DES, or stand there in the clear, are refused at start',
        'make them anew: htpasswd -B FILE USER',
      );
    } else {
      desk.notes.tell(
        line,
        'stricter',
        `nobody can be known by "${scheme}" through ${program.split('/').at(-1) || 'this program'}`,
        'set up auth.basic, auth.tokens or auth.clientCertificates; until then no rule for users lets anybody in',
      );
    }
  }
  return known;
}
