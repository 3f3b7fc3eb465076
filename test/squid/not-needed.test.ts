import { expect, test } from 'vitest';
import { REMARKED, remarkOn } from '../../src/squid/not-needed.ts';

test('each directive is remarked upon once, and what is lost has something to do', () => {
  expect(new Set(REMARKED).size).toBe(REMARKED.length);
  expect(REMARKED.length).toBeGreaterThan(200);
  for (const name of REMARKED) {
    const remark = remarkOn(name);
    expect(remark?.why, name).toMatch(/^[A-Za-z]/);
    if (remark?.kind === 'lost') expect(remark.todo, name).not.toBe('');
  }
  expect(remarkOn('http_access')).toBeUndefined();
});
