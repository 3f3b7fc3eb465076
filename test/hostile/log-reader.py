# Reads access logs as their formats are documented, not as we write them, and prints what it found as JSON.
# Called by log-injection.test.ts with the paths of the logs, each named after its format.
import json
import os
import re
import sys
import urllib.parse

NATIVE = re.compile(
    r'^ *(\d+)\.(\d{3}) +(\d+) ([0-9a-f.:]+) ([A-Z_]+)/(\d{3}) (\d+) (\S+) (\S+) (\S+) ([A-Z_]+)/(\S+) (\S+)$')
# Apache's mod_log_config: quotes and backslashes within a quoted field are escaped by a backslash.
QUOTED = r'"((?:[^"\\]|\\.)*)"'
COMMON = r'^(\S+) - (\S+) \[([^\]]+)\] ' + QUOTED + r' (\d+) (\d+)'
RESULT = r' ([A-Z_]+):([A-Z_]+)$'
ESCAPES = {'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\'}


def lines_of(path):
    raw = open(path, 'rb').read()
    assert raw.endswith(b'\n') or raw == b'', path
    for byte in set(raw):
        assert byte == 10 or 32 <= byte < 127, f'byte {byte:#x} in {path}'
    return raw.decode('ascii').split('\n')[:-1]


def bytes_of(text):
    return urllib.parse.unquote_to_bytes(text).decode('latin-1')


def unquote(text):
    return re.sub(r'\\(?:x([0-9a-f]{2})|(.))', lambda m: chr(int(m[1], 16)) if m[1] else ESCAPES[m[2]], text)


def match(pattern, line):
    found = re.match(pattern, line)
    assert found, f'unreadable: {line!r}'
    assert len(line) < 8192, f'too long: {len(line)}'
    return found.groups()


def native(line):
    fields = match(NATIVE, line)
    return {'client': fields[3], 'status': int(fields[5]), 'method': bytes_of(fields[7]), 'url': bytes_of(fields[8]), 'type': bytes_of(fields[12])}


def common(line):
    fields = match(COMMON + RESULT, line)
    method, url, protocol = fields[3].split(' ')
    return {'client': fields[0], 'status': int(fields[4]), 'method': bytes_of(method), 'url': bytes_of(url)}


def combined(line):
    fields = match(COMMON + ' ' + QUOTED + ' ' + QUOTED + RESULT, line)
    method, url, protocol = fields[3].split(' ')
    return {'client': fields[0], 'status': int(fields[4]), 'url': bytes_of(url), 'referer': unquote(fields[6]), 'agent': unquote(fields[7])}


def referrer(line):
    fields = match(r'^\d+\.\d{3} (\S+) (\S+) (\S+)$', line)
    return {'client': fields[0], 'referer': bytes_of(fields[1]), 'url': bytes_of(fields[2])}


def useragent(line):
    fields = match(r'^(\S+) \[[^\]]+\] ' + QUOTED + '$', line)
    return {'client': fields[0], 'agent': unquote(fields[1])}


def twin(line):
    def once(pairs):
        assert len({key for key, _ in pairs}) == len(pairs), 'a key twice'
        return dict(pairs)
    return json.loads(line, object_pairs_hook=once)


readers = {'squid': native, 'common': common, 'combined': combined, 'referrer': referrer, 'useragent': useragent, 'json': twin}
print(json.dumps([[readers[os.path.basename(path)](line) for line in lines_of(path)] for path in sys.argv[1:]]))
