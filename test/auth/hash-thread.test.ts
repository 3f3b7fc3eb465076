import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { HASH_THREAD, HASH_THREAD_URL, type HashQuestion } from '../../src/auth/hash-thread.ts';

test('answers each question in its order', async () => {
  const thread = new Worker(HASH_THREAD_URL, { workerData: HASH_THREAD });
  onTestFinished(async () => void (await thread.terminate()));
  const hash = { kind: 'sha1', digest: '5en6G6MezRroT3XKqkdPOmY/BfQ=' } as const;
  const answers: unknown[] = [];
  thread.on('message', (answer) => answers.push(answer));
  for (const password of ['secret', 'other', 'secret']) {
    const answered = once(thread, 'message');
    thread.postMessage({ hash, password } satisfies HashQuestion);
    await answered;
  }
  expect(answers).toEqual([true, false, true]);
});

test('in a thread that is for something else it does nothing, so that the thread ends', async () => {
  const thread = new Worker(HASH_THREAD_URL, { workerData: 'something else' });
  expect(await once(thread, 'exit')).toEqual([0]);
});
