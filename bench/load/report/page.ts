// An HTML page that needs nothing beside it, and the figures on it.

import { escaped } from './plots.ts';
import type { Circumstance } from './results.ts';

const STYLE = `:root { color-scheme: light dark; --ink: #212529; --soft: #868e96; --line: #dee2e6; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9ecef; --soft: #909296; --line: #373a40; --paper: #1a1b1e; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1340px; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; } h3 { margin: 0; font: 600 15px ui-monospace, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; } dt { color: var(--soft); } dd { margin: 0; }
.grid-of-plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 560px), 1fr)); gap: 2rem; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { border-bottom: 1px solid var(--line); padding: .2rem .8rem .2rem 0; text-align: left; font-variant-numeric: tabular-nums; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: 13px; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; } svg text { fill: var(--ink); }
.value, .title, .goal-label { fill: var(--soft); } .grid { stroke: var(--line); fill: none; }
.value { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; } .spread { stroke: var(--ink); fill: none; } .goal { stroke: var(--ink); stroke-dasharray: 4 3; fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; position: sticky; top: 0; background: var(--paper); padding: .5rem 0; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
`;

/** `body` is HTML already. */
export function page(title: string, circumstances: readonly Circumstance[], body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(title)}</h1>
<dl>${circumstances.map(([label, value]) => `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>
${body}
</body></html>
`;
}

export function figure(name: string, caption: string, plot: string): string {
  return `<figure><h3>${escaped(name)}</h3><figcaption>${escaped(caption)}</figcaption>${plot}</figure>`;
}
