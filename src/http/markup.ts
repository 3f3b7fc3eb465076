// HTML of our own: one shell for every page, and the one place where text becomes markup. Called by refusal-page.ts,
// own-pages.ts and macros.ts.

/** Readable in light and dark, on paper and phone; no script, no image, nothing from elsewhere. */
export const STYLE =
  ':root{color-scheme:light dark}' +
  'body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;padding:0 1em;color:#1b1f24;background:#fff}' +
  'h1{font-size:1.5em;line-height:1.25;margin:0 0 .5em}h2{font-size:1em;margin:1.8em 0 .4em}p{margin:.6em 0}' +
  'dl{display:grid;grid-template-columns:max-content 1fr;gap:.3em 1.2em;margin:1.4em 0}' +
  'dt{color:#59636e}dd{margin:0}dd,p,code,pre{overflow-wrap:anywhere}' +
  'code,pre{font:14px/1.5 ui-monospace,monospace;background:#f2f4f7;border-radius:6px;padding:.1em .3em}' +
  'pre{padding:.8em;white-space:pre-wrap;margin:.4em 0}' +
  '.say{border-left:4px solid #b42318;padding:.1em 0 .1em 1em;font-size:1.1em;white-space:pre-line}' +
  'footer{color:#59636e;font-size:.9em;border-top:1px solid #d8dde3;margin-top:2em;padding-top:.8em}' +
  '@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#14171b}code,pre{background:#22272e}' +
  'dt,footer{color:#9aa4b0}footer{border-color:#343b44}.say{border-color:#f97066}a{color:#84adff}}';

const UP_TO_TITLE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8">\n' +
  '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">\n<title>';
const BEHIND_TITLE = `</title><style>${STYLE}</style></head><body>\n`;

/** A whole page; `title` is escaped here, the body is markup already. */
export function html(title: string, body: string): string {
  return `${UP_TO_TITLE}${escapeHtml(title)}${BEHIND_TITLE}${body}\n</body></html>\n`;
}

/** As text between tags, or as an attribute in quotes. A loop: a suggested rule is full of quotes, and each would be a call. */
export function escapeHtml(text: string): string {
  let escaped = '';
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const entity = entityOf(text.charCodeAt(at));
    if (entity === '') continue;
    escaped += text.slice(from, at) + entity;
    from = at + 1;
  }
  return from === 0 ? text : escaped + text.slice(from);
}

function entityOf(unit: number): string {
  switch (unit) {
    case 0x22:
      return '&quot;';
    case 0x26:
      return '&amp;';
    case 0x27:
      return '&#39;';
    case 0x3c:
      return '&lt;';
    case 0x3e:
      return '&gt;';
    default:
      return '';
  }
}
