// The chapters of the scaling bench as Markdown and as a page.

import { figure, page } from '../report/page.ts';
import { escaped } from '../report/plots.ts';
import type { Circumstance } from '../report/results.ts';
import { table } from '../report/table.ts';
import type { Chapter } from './chapter.ts';

const TITLE = 'How cost grows';
const READ =
  'CPU is that of the whole process tree of the proxy, median (min..max) of the repeats. The machine has other work: read the ratios.';

export function scalingMarkdown(circumstances: readonly Circumstance[], chapters: readonly Chapter[]): string {
  const sections = [
    `# ${TITLE}`,
    circumstances.map(([label, value]) => `- ${label}: ${value}`).join('\n'),
    READ,
    ...chapters.flatMap(({ title, says, head, rows, notes }) => [
      `## ${title}`,
      says,
      table(head, rows),
      ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')]),
    ]),
  ];
  return `${sections.join('\n\n')}\n`;
}

export function scalingHtml(circumstances: readonly Circumstance[], chapters: readonly Chapter[]): string {
  return page(TITLE, circumstances, `<p>${READ}</p>\n${chapters.map(chapterHtml).join('\n')}`);
}

function chapterHtml({ title, says, head, rows, figures, notes }: Chapter): string {
  const line = (cells: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<h2>${escaped(title)}</h2>
<p>${escaped(says)}</p>
<table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>
<div class="grid-of-plots">${figures.map(({ name, caption, plot }) => figure(name, caption, plot)).join('\n')}</div>
<ul>${notes.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul>`;
}
