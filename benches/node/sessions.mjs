/**
 * How many refreshes a second there are on each store, through Node on one thread, beside what bounds them there.
 *
 *     node benches/node/sessions.mjs FOLDER FILE [MILLISECONDS]
 *
 * FOLDER is on the disk that is to be measured; it is made and removed. Writes `{ arms: [{ name, perSecond, lowest, highest,
 * cpuMicros }], startMillis }` into FILE: the arms take turns of MILLISECONDS and `perSecond` is the median of turns, between
 * the lowest and the highest; `cpuMicros` is what the process spent on each, on all threads; `startMillis` is how long
 * sessions take to be ready over a file with a million revocations.
 *
 * Every refresh is a rotation: what it answers is looked at, and it is the token that the next one of its session presents.
 * better-sqlite3 does what a store must: read the session, write it back, one FULL transaction each. redis-benchmark sends
 * one script call of ours, as the server saw it; since it sends the same again each is a replay, which is a little less work.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

import Database from 'better-sqlite3';

import { AUDIENCE, ISSUER } from './material.mjs';

const SESSIONS = 1024;
const IN_FLIGHT = 256;
const TURNS = 5;
const REVOCATIONS = 1_000_000;
const PORT = 20_000 + (process.pid % 10_000);

/** @typedef {{ name: string, turn: () => Promise<{ perSecond: number, cpuMicros: number }> }} Arm */

const require = createRequire(new URL('../../package.json', import.meta.url));
/** @type {unknown} */
const keyturn = require('keyturn');
const { createSessions, importKey } = /** @type {typeof import('keyturn')} */ (keyturn);

const [folder = '', file = '', milliseconds = '2000'] = process.argv.slice(2);
assert.notEqual(file, '', 'give a folder on the disk that is to be measured, and a file for the figures');
const turnMs = Number(milliseconds);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const redis = spawn('redis-server', ['--port', String(PORT), '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
try {
  await untilRedisAnswers();
  const arms = [
    await refreshes('memory:, one after another', 'memory:', 1),
    await refreshes(`memory:, ${IN_FLIGHT} in flight`, 'memory:', IN_FLIGHT),
    await refreshes(`SQLite, ${IN_FLIGHT} in flight`, `sqlite:${folder}/sessions.db`, IN_FLIGHT),
    betterSqlite(),
    await refreshes(`Redis, ${IN_FLIGHT} in flight`, redisUrl(), IN_FLIGHT),
    await redisBenchmark(),
  ];
  /** @type {Map<Arm, Awaited<ReturnType<Arm['turn']>>[]>} */
  const measured = new Map(arms.map((arm) => [arm, []]));
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [arm, turns] of measured) turns.push(await arm.turn());
  }
  const rows = [...measured].map(([{ name }, turns]) => ({
    name,
    perSecond: median(turns.map(({ perSecond }) => perSecond)),
    lowest: Math.min(...turns.map(({ perSecond }) => perSecond)),
    highest: Math.max(...turns.map(({ perSecond }) => perSecond)),
    cpuMicros: median(turns.map(({ cpuMicros }) => cpuMicros)),
  }));
  writeFileSync(file, JSON.stringify({ arms: rows, startMillis: await start() }));
} finally {
  redis.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

/** @param {string} store */
function open(store) {
  const key = importKey(createSecretKey(randomBytes(32)), { alg: 'HS256', kid: 'bench' });
  return createSessions({ store, issuer: ISSUER, audience: AUDIENCE, keys: [key] });
}

/**
 * @param {string} name
 * @param {string} store
 * @param {number} width
 * @returns {Promise<Arm>}
 */
async function refreshes(name, store, width) {
  const sessions = open(store);
  const starts = Array.from({ length: SESSIONS }, (_, n) => sessions.start({ subject: `user-${n}`, roles: ['admin', 'operator'] }));
  const tokens = (await Promise.all(starts)).map(({ refreshToken }) => refreshToken);
  const turn = async () => {
    const before = process.cpuUsage();
    const started = performance.now();
    const end = started + turnMs;
    let done = 0;
    const loop = async (/** @type {number} */ first) => {
      for (let n = first; ; n = n + width < SESSIONS ? n + width : first) {
        const { refreshToken, accessToken, outcome } = await sessions.refresh(tokens[n] ?? '');
        assert.equal(outcome, 'rotated');
        tokens[n] = refreshToken;
        done += 1;
        if (performance.now() >= end) return accessToken;
      }
    };
    const last = await Promise.all(Array.from({ length: width }, (_, first) => loop(first)));
    const result = rates(done, started, before);
    assert.match(sessions.verify(last[0] ?? '').sub, /^user-/);
    return result;
  };
  return { name, turn };
}

/** @returns {Arm} */
function betterSqlite() {
  const db = new Database(`${folder}/peer.db`);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(`CREATE TABLE sessions (sid BLOB PRIMARY KEY, subject TEXT, generation INTEGER, family BLOB, rotated_at INTEGER,
    last_activity INTEGER, absolute_end INTEGER, claims TEXT) WITHOUT ROWID`);
  const insert = db.prepare('INSERT INTO sessions VALUES (?, ?, 0, ?, ?, ?, ?, ?)');
  const sids = Array.from({ length: SESSIONS }, () => randomBytes(16));
  const now = Date.now();
  for (const sid of sids) insert.run(sid, 'user', randomBytes(32), now, now, now + 1e9, '"roles":["admin","operator"]');
  const select = db.prepare('SELECT * FROM sessions WHERE sid = ?');
  const update = db.prepare('UPDATE sessions SET generation = ?, rotated_at = ? WHERE sid = ?');
  const refresh = db.transaction((/** @type {Buffer | undefined} */ sid) => {
    const record = /** @type {{ generation: number }} */ (select.get(sid));
    update.run(record.generation + 1, Date.now(), sid);
  });
  const turn = async () => {
    const before = process.cpuUsage();
    const started = performance.now();
    let done = 0;
    for (; performance.now() < started + turnMs; done += 1) refresh.immediate(sids[done % SESSIONS]);
    return rates(done, started, before);
  };
  return { name: 'better-sqlite3, one FULL transaction each', turn };
}

/** @returns {Promise<Arm>} */
async function redisBenchmark() {
  const script = await callAsRedisSawIt();
  const server = ['-h', '127.0.0.1', '-p', String(PORT), '--csv', '-c', String(IN_FLIGHT), '-P', '1'];
  const turn = async () => {
    const calls = Math.max(1000, Math.round(turnMs * 20));
    // The shell, because an argument of Node's cannot hold any byte.
    const words = script.map((word) => `"$(printf '${octal(word)}')"`).join(' ');
    const { stdout } = await promisify(execFile)('sh', ['-c', `redis-benchmark ${server.join(' ')} -n ${calls} ${words}`]);
    const perSecond = /"([\d.]+)","[\d.]+","[\d.]+","[\d.]+","[\d.]+","[\d.]+","[\d.]+"\s*$/.exec(stdout)?.[1];
    assert.ok(perSecond !== undefined, stdout);
    return { perSecond: Number(perSecond), cpuMicros: 0 };
  };
  return { name: `redis-benchmark -c ${IN_FLIGHT} -P 1`, turn };
}

/** The words of one refresh, with a time limit that never comes. */
async function callAsRedisSawIt() {
  const sessions = open(`${redisUrl()}?prefix=seen`);
  for (;;) {
    const { refreshToken } = await sessions.start({ subject: 'seen', roles: ['admin', 'operator'] });
    const watching = connect(PORT, '127.0.0.1').setEncoding('latin1');
    let seen = '';
    watching.on('data', (/** @type {string} */ text) => (seen += text));
    watching.write('MONITOR\r\n');
    await once(watching, 'data');
    assert.equal((await sessions.refresh(refreshToken)).outcome, 'rotated');
    await pause(50);
    watching.destroy();
    const line = seen.split('\r\n').find((text) => text.includes('"EVALSHA"') && text.includes('"rotate"')) ?? '';
    const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => bytesOf(word));
    assert.equal(words.length, 21, line);
    words[20] = Buffer.from(String(Number.MAX_SAFE_INTEGER));
    // What the shell can pass on.
    if (words.every((word) => !word.includes(0) && word.at(-1) !== 10)) return words;
  }
}

/** How long sessions take to be ready. */
async function start() {
  const path = `${folder}/revocations.db`;
  const first = open(`sqlite:${path}`);
  await first.ready();
  await first.close();
  const db = new Database(path);
  const insert = db.prepare("INSERT INTO keyturn_revocations (kind, id, before, expires_at) VALUES ('session', ?, NULL, ?)");
  const expiry = Date.now() + 1e9;
  db.transaction(() => {
    for (let n = 0; n < REVOCATIONS; n += 1) insert.run(randomBytes(16).toString('base64url'), expiry);
  })();
  db.close();
  const started = performance.now();
  const sessions = open(`sqlite:${path}`);
  await sessions.ready();
  const elapsed = performance.now() - started;
  await sessions.close();
  return elapsed;
}

/**
 * @param {number} done
 * @param {number} started
 * @param {NodeJS.CpuUsage} before
 */
function rates(done, started, before) {
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: done / seconds, cpuMicros: (user + system) / done };
}

function redisUrl() {
  return `redis://127.0.0.1:${PORT}`;
}

async function untilRedisAnswers() {
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = connect(PORT, '127.0.0.1');
    const answered = await once(socket, 'connect').then(() => true, () => false);
    socket.destroy();
    if (answered) return;
    await pause(50);
  }
  throw new Error('redis-server does not answer');
}

/** @param {string} word As MONITOR writes it. */
function bytesOf(word) {
  /** @type {Readonly<Record<string, string>>} */
  const named = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };
  const text = word.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, /** @type {string | undefined} */ hex, /** @type {string} */ one) =>
    hex === undefined ? (named[one] ?? one) : String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}

/** @param {Buffer} word */
function octal(word) {
  return [...word].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
