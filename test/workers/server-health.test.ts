import { describe, expect, test } from 'vitest';
import { ServerHealth } from '../../workers/server-health.ts';
import { waitFor } from '../support/wait-for.ts';

describe('the health of a server', () => {
  test('is ok only while every part is, and else names all that is wrong', async () => {
    const written: string[] = [];
    const health = new ServerHealth(async (text) => void written.push(text));
    await health.tell('storage', 'No room.');
    await health.tell('mail server', 'No connection.');
    await health.tell('storage', 'ok');
    await health.tell('mail server', 'ok');
    expect(written).toEqual(['No room.', 'No room. No connection.', 'No connection.', 'ok']);
  });

  test('is written by itself when it can be, though nobody says anything more', async () => {
    const written: string[] = [];
    let failures = 2;
    const health = new ServerHealth(async (text) => {
      if (failures-- > 0) throw new Error('away');
      written.push(text);
    }, 10);
    await expect(health.tell('journal', 'No room.')).rejects.toThrow('away');
    await waitFor(() => written.length > 0);
    expect(written).toEqual(['No room.']);
  });

  test('rejects where it cannot be written, and says it all with the next', async () => {
    let refuses = true;
    const written: string[] = [];
    const health = new ServerHealth(async (text) => {
      if (refuses) throw new Error('away');
      written.push(text);
    });
    await expect(health.tell('storage', 'No room.')).rejects.toThrow('away');
    refuses = false;
    await health.tell('mail server', 'No connection.');
    expect(written).toEqual(['No room. No connection.']);
  });
});
